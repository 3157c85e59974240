import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { HARMLESS } from './support/harmless.ts';
import {
  CLI,
  FOLLOWS_FLOWS,
  fixture,
  NODE,
  NODE_MAJOR,
  probed,
  readReport,
  start,
  temporaryFolder,
} from './support/probed.ts';

// One run, one report: every process and thread of it, and who started whom.

test('children of every kind are in the report, each with its parent', async () => {
  const { report } = await probed(path.join(HARMLESS, 'children.cjs'));
  const [parent, ...children] = report.processes;
  expect(parent).toMatchObject({ parent: 0, thread: 0 });
  expect(new Set(children.map((child) => child.parent))).toEqual(new Set([parent?.pid]));
  const ways = children.map(({ argv }) => argv.at(-1));
  expect(ways).toEqual(
    expect.arrayContaining(['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync', 'default']),
  );
});

test('worker threads are in the report, whatever environment and arguments they are given', async () => {
  const { report, stdout } = await probed(path.join(HARMLESS, 'workers.cjs'));
  const [main, ...threads] = report.processes;
  expect(threads.map(({ pid, parent }) => [pid, parent])).toEqual(threads.map(() => [main?.pid, main?.parent]));
  const started = [...stdout.matchAll(/"threadId":(\d+)/g)].map(([, id]) => Number(id));
  expect(threads.map(({ thread }) => thread).sort((a, b) => a - b)).toEqual(started);
});

test('a grandchild behind a shell, under outlive run, keeps the settings of the outermost', async () => {
  using folder = temporaryFolder();
  const script = path.join(folder.path, 'parent.cjs');
  const command = `"${NODE}" "${fixture('timers.cjs')}" clean`;
  writeFileSync(script, `require('node:child_process').execSync(${JSON.stringify(command)}, { env: {}, cwd: '/' })`);
  const out = path.join(folder.path, 'out');
  await start(NODE, [CLI, 'run', '--out', out, '--', 'node', script], { env: { OUTLIVE_GRACE_MS: '1234' } });
  const report = readReport(out);
  expect(report.processes.map(({ parent }) => parent)).toEqual([0, report.processes[0]?.pid]);
  expect(report.settings.graceMs).toBe(1234);
});

test('what this version of Node.js cannot give is listed', async () => {
  const { unsupported } = (await probed(fixture('timers.cjs'), ['clean'])).report.processes[0]!;
  const missing = [
    `flow-ended, superseded, hold-and-wait: Node ${NODE_MAJOR} (they need 24)`,
    `request scopes: Node ${NODE_MAJOR} (OUTLIVE_SCOPES=on turns them on at a cost)`,
  ];
  expect(unsupported).toEqual(FOLLOWS_FLOWS ? [] : missing);
});
