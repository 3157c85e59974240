import { describe, expect, test } from 'vitest';
import { fixture, lineOf, placeOf, probed, watched } from './support/probed.ts';

// What a service makes of Node's own classes, one after the other, outside of any request or job. Each kind is left
// behind once, and ended once.

const PROGRAM = fixture('handles.mjs');

interface Case {
  kind: string;
  library: string;
  /** In the program, at the line that makes one. */
  line: string;
}

const CASES: Record<string, Case> = {
  worker: { kind: 'worker', library: 'Worker', line: '// a thread' },
  channel: { kind: 'port', library: 'MessageChannel', line: '// two ports' },
  broadcast: { kind: 'port', library: 'BroadcastChannel', line: '// a broadcast channel' },
  child: { kind: 'child-process', library: 'child_process', line: '// a child' },
  watch: { kind: 'watcher', library: 'fs.watch', line: '// a folder' },
  recursive: { kind: 'watcher', library: 'fs.watch', line: '// a tree' },
  watchFile: { kind: 'watcher', library: 'fs.watchFile', line: '// a watched file' },
  fileHandle: { kind: 'stream', library: 'fs.promises', line: '// a file handle' },
  openSync: { kind: 'stream', library: 'fs', line: '// a descriptor' },
  open: { kind: 'stream', library: 'fs', line: '// by a callback' },
  readline: { kind: 'stream', library: 'readline', line: '// a readline interface' },
  context: { kind: 'context', library: 'node:vm', line: '// a context' },
  interval: { kind: 'timer', library: 'setInterval', line: '// an interval' },
};

describe.each(Object.entries(CASES))('%s', (name, { kind, library, line }) => {
  test('left behind: found at the line that made it', async () => {
    const { report } = await probed(PROGRAM, [name, 'leak']);
    expect(report.findings.map(placeOf)).toEqual([lineOf(PROGRAM, line)]);
    expect(report.findings[0]).toMatchObject({
      kind,
      library,
      certainty: 'likely',
      count: 8,
      acquired: 8,
      released: 0,
    });
  });

  test('ended: no finding, and all are seen to end', async () => {
    const { report } = await probed(PROGRAM, [name, 'clean']);
    expect(report.findings).toEqual([]);
    expect(watched(report, library)).toEqual({ acquired: 8, released: 8 });
    expect(report.processes.map(({ faults }) => faults).filter((faults) => faults > 0)).toEqual([]);
  });
});
