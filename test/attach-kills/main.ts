/**
 * `npm run attach:kills`: the attaching side is killed fifty times, at random moments, while its service has work. The
 * service must answer each request all the time, and be as it was before once the probe has left.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const TIMES = 50;
/** From the start of the command to well into its watch. */
const LATEST_MS = 4000;
/** The probe leaves after five seconds of silence. */
const GONE_WITHIN_MS = 15_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = path.join(ROOT, 'test/fixtures/programs/attached.mjs');
const CLI = path.join(ROOT, 'dist/cli/main.js');

const service = spawn(process.execPath, [PROGRAM, 'generic-pool'], { stdio: ['ignore', 'pipe', 'ignore'] });
const [port] = (await once(service.stdout.setEncoding('utf8'), 'data')) as [string];
const ask = async (route: string): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${Number.parseInt(port, 10)}${route}`);
  if (!answer.ok) throw new Error(`${route} was answered with ${answer.status}`);
  return answer.text();
};

let answered = 0;
const failures: string[] = [];
const isOver = new AbortController();
const load = (async () => {
  while (!isOver.signal.aborted) {
    await ask('/take').then(
      () => answered++,
      (error: Error) => failures.push(error.message),
    );
    await sleep(5);
  }
})();

const folder = mkdtempSync(path.join(tmpdir(), 'outlive-kills-'));
const before = await ask('/state');
const stayed: number[] = [];
for (let i = 0; i < TIMES && service.exitCode === null; i++) {
  const after = Math.round(Math.random() * LATEST_MS);
  const args = [CLI, 'attach', String(service.pid), '--out', path.join(folder, String(i))];
  const attached = spawn(process.execPath, args, { stdio: 'ignore' });
  await sleep(after);
  attached.kill('SIGKILL');
  const until = performance.now() + GONE_WITHIN_MS;
  let isAsBefore = (await ask('/state')) === before;
  while (!isAsBefore && performance.now() < until) {
    await sleep(200);
    isAsBefore = (await ask('/state')) === before;
  }
  if (!isAsBefore) stayed.push(after);
  process.stdout.write(`killed after ${after} ms: ${isAsBefore ? 'the service is as it was' : 'SOMETHING STAYS'}\n`);
}
isOver.abort();
await load;
const isThere = service.exitCode === null && service.signalCode === null;
service.kill('SIGKILL');
rmSync(folder, { recursive: true, force: true });
process.stdout.write(
  `${TIMES} kills; ${answered} requests were answered, ${failures.length} failed; ` +
    `the service ${isThere ? 'runs on' : 'has died'}; something stayed ${stayed.length} times\n`,
);
process.exitCode = isThere && failures.length === 0 && stayed.length === 0 && answered > 0 ? 0 : 1;
