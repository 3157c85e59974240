/** The side door of a soak: who may come, what is said there, and what everybody else can do. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answerOf, doorOf, linesOf, orderOf } from '../probe/control/protocol.ts';
import { Control } from '../soak/control.ts';
import { makeDoorPlace } from '../soak/door-folder.ts';
import { freePort } from './support/free-port.ts';
import { CLI, fixture, lineOf, NODE, placeOf, readReport, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

describe('what is said', () => {
  test('lines come in pieces of any size', () => {
    const text = 'one\ntwo\n\nthree';
    for (let size = 1; size <= text.length; size++) {
      let rest = '';
      const lines: string[] = [];
      for (let at = 0; at < text.length; at += size) {
        const split = linesOf(rest, text.slice(at, at + size));
        lines.push(...split!.lines);
        rest = split!.rest;
      }
      expect([lines, rest]).toEqual([['one', 'two', ''], 'three']);
    }
  });

  test('a line that never ends is not kept', () => {
    expect(linesOf('x'.repeat(90), 'y'.repeat(10), 100)).toEqual({ lines: [], rest: 'x'.repeat(90) + 'y'.repeat(10) });
    expect(linesOf('x'.repeat(90), 'y'.repeat(11), 100)).toBeNull();
    expect(linesOf('', `${'x'.repeat(101)}\n`, 100)).toBeNull();
  });

  test.each([
    '{"id":1,"do":"round-ended","round":2}',
    '{"id":2,"do":"begin-turn","fault":null}',
    '{"id":3,"do":"begin-turn","fault":{"kind":"query","file":"/a.js","line":1,"column":2,"ordinal":1}}',
    '{"id":4,"do":"blame","recipe":"…","left":[{"kind":"connection","library":"pg","frame":null}]}',
  ])('an order: %s', (line) => {
    expect(orderOf(line)).toEqual(JSON.parse(line));
  });

  test.each([
    ['', 'x', '{', 'null', '[]', '"round-ended"', '{"id":1}', '{"do":"round-ended","round":1}'],
    ['{"id":1,"do":"round-ended"}', '{"id":1,"do":"round-ended","round":"1"}', '{"id":1,"do":"toString"}'],
    ['{"id":1,"do":"begin-turn"}', '{"id":1,"do":"begin-turn","fault":{"kind":"query"}}'],
    ['{"id":1,"do":"blame","recipe":"x","left":[null]}', '{"id":1,"do":"blame","left":[]}', '{"id":1,"do":"exit"}'],
  ])('no order: %j', (...lines) => {
    for (const line of lines) expect(orderOf(line)).toBeNull();
  });

  test.each([
    ['', '{}', 'null', '{"id":1}', '{"id":"1","open":0,"findings":0}', '{"id":1,"open":null,"findings":0}'],
    [
      '{"id":1,"open":0,"findings":0,"turn":{}}',
      '{"id":1,"open":0,"findings":0,"turn":{"hit":1,"calls":[],"left":[],"taken":[]}}',
      '{"id":1,"open":0,"findings":0,"turn":{"hit":true,"calls":[],"left":[]}}',
    ],
    ['{"id":1,"open":0,"findings":0,"turn":{"hit":true,"calls":[{"kind":"query"}],"left":[],"taken":[]}}'],
  ])('no answer: %j', (...lines) => {
    for (const line of lines) expect(answerOf(line)).toBeNull();
    const answer = { id: 1, open: 2, findings: 3, turn: { hit: true, calls: [], left: [], taken: [] } };
    expect(answerOf(JSON.stringify(answer))).toEqual(answer);
  });
});

describe('who comes', () => {
  let control: Control;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    control = await Control.open();
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    control.close();
  });

  function visit(): Socket {
    const socket = connect(doorOf(control.door)!.address);
    socket.on('error', () => {});
    sockets.push(socket);
    return socket;
  }
  /** Comes as a probe does, and answers each order. */
  function come(open: number): Socket {
    const socket = visit();
    socket.write(`${doorOf(control.door)!.secret}\n`);
    socket.on('data', (text) => {
      const { id } = JSON.parse(String(text));
      socket.write(`not for you\n{"id":77,"open":1,"findings":1}\n${JSON.stringify({ id, open, findings: 1 })}\n`);
    });
    return socket;
  }

  test('those who know the secret are told, and their answers count', async () => {
    come(3);
    await control.connected;
    const other = come(4);
    await until('the other', async () => (await control.tell({ do: 'begin-turn', fault: null })).length === 2);
    expect(await control.roundEnded(1)).toEqual({ open: 7, findings: 2 });
    other.destroy();
    await until('its end', async () => (await control.tell({ do: 'begin-turn', fault: null })).length === 1);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['is silent', () => {}],
    ['talks garbage', (socket) => socket.write('x\n')],
    ['answers without having been asked', (socket) => socket.write('{"id":1,"open":9,"findings":9}\n')],
    ['guesses a secret', (socket) => socket.write(`${'0'.repeat(64)}\n`)],
    ['floods', (socket) => socket.write('a'.repeat(1024 * 1024))],
  ])('one who %s counts for nothing', async (_, act) => {
    const stranger = visit();
    let heard = '';
    stranger.on('data', (text) => {
      heard += text;
    });
    act(stranger);
    come(3);
    expect(await control.roundEnded(1)).toEqual({ open: 3, findings: 1 });
    expect(heard).toBe('');
  });

  test('one who knows it and then floods is sent away', async () => {
    const flooding = come(3);
    await control.connected;
    const isOver = new Promise((resolve) => flooding.once('close', resolve));
    for (let megabyte = 0; megabyte < 8; megabyte++) flooding.write('a'.repeat(1024 * 1024));
    await isOver;
    come(4);
    await until('the next', async () => (await control.tell({ do: 'begin-turn', fault: null })).length === 1);
    expect(await control.roundEnded(1)).toEqual({ open: 4, findings: 1 });
  });

  test.skipIf(process.platform === 'win32')('it is in a folder that nobody else can enter, and gone at the end', () => {
    expect(statSync(control.folder!).mode & 0o777).toBe(0o700);
    control.close();
    expect(statSync(control.folder!, { throwIfNoEntry: false })).toBeUndefined();
  });
});

test.skipIf(process.platform === 'win32')('where a path is too long for a socket, the next folder is taken', () => {
  using folder = temporaryFolder();
  const deep = path.join(folder.path, 'x'.repeat(100));
  writeFileSync(path.join(folder.path, 'file'), '');
  const place = makeDoorPlace([deep, path.join(folder.path, 'file'), folder.path]);
  expect(path.dirname(place.folder!)).toBe(folder.path);
  expect(() => makeDoorPlace([deep])).toThrow(
    /^The soak cannot listen for the probe: no socket can be made in .*x{100}\./,
  );
});

/** Finds the doors of soaks in `folder`, and does there what `act` says, as any program of this machine may try. */
const INTRUDER = `
const { readdirSync } = require('node:fs');
const [, folder, how] = process.argv;
const seen = new Set();
setInterval(() => {
  let doors = [];
  try { doors = readdirSync(folder, { recursive: true }).filter((name) => /door$/.test(name)); } catch {}
  for (const door of doors) {
    if (seen.has(door)) continue;
    seen.add(door);
    const socket = require('node:net').connect(folder + '/' + door, () => {
      console.log('in');
      if (how === 'garbage') socket.write('x\\n'.repeat(1000));
      if (how === 'flood') socket.write('a'.repeat(1 << 24));
    });
    socket.on('error', ({ code }) => console.log(code)).on('data', (text) => console.log('heard ' + text));
  }
}, 5);
setTimeout(() => {}, 60_000);
`;

describe.each(['garbage', 'silence', 'flood'])('a soak in whose door somebody puts %s', (how) => {
  test('judges its service all the same, and tells it nothing of the door', async () => {
    using folder = temporaryFolder();
    using temporary = temporaryFolder();
    const intruder = spawn(process.execPath, ['-e', INTRUDER, temporary.path, how]);
    let did = '';
    intruder.stdout.on('data', (text) => {
      did += text;
    });
    try {
      const port = String(await freePort());
      const service = path.join(folder.path, 'service.mjs');
      const orders = fixture('orders.mjs');
      writeFileSync(service, `console.log('sees', Object.keys(process.env)); await import(${JSON.stringify(orders)});`);
      const load = ['--duration', '1s', '--rounds', '1', '--warmup', '300ms', '--connections', '5'];
      const out = path.join(folder.path, 'out');
      const args = ['--out', out, '--url', `http://127.0.0.1:${port}/refunds`, ...load, '--', NODE, service, port];
      // by the toolchain's Node.js, whichever the service has
      const { code, stderr } = await start(process.execPath, [CLI, 'soak', ...args], {
        env: { TMPDIR: temporary.path, XDG_RUNTIME_DIR: '' },
      });
      expect(code, stderr).toBe(1);
      const { findings, load: given, problems } = readReport(out);
      expect(findings.map(placeOf)).toEqual([lineOf(orders, '// taken')]);
      expect(given?.rounds.map(({ open }) => typeof open)).toEqual(['number', 'number']);
      expect(problems).toEqual([]);
      expect(did).toMatch(/^in\n/);
      expect(did).not.toContain('heard');
      const seen = readFileSync(path.join(out, 'service.log'), 'utf8');
      expect(seen).toContain('OUTLIVE_OUT');
      expect(seen).not.toContain('OUTLIVE_CONTROL');
      expect(readdirSync(temporary.path)).toEqual([]);
    } finally {
      intruder.kill();
    }
  });
});
