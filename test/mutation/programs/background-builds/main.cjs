// Scripts that start a service in the background and end, as builds and tests do; jobs are scopes.
// not for guards: they watch no child processes
const { exec, spawn } = require('node:child_process');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { promisify } = require('node:util');
const { setTimeout: sleep } = require('node:timers/promises');
const { scope } = require('outlive');
const run = require('../run.cjs');

const started = [];

async function preview(n) {
  const script = 'sleep 15 > /dev/null 2>&1 & echo $!';
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] }); // acquires: preview
  const [pid] = await once(child.stdout, 'data');
  started.push(Number(pid));
  try {
    await sleep(10);
    if (n % 6 === 1) throw new Error('does not build');
  } finally {
    process.kill(Number(pid), 'SIGKILL'); // gives back: preview
  }
}

async function fixtures(n) {
  const { stdout } = await promisify(exec)('sleep 15 > /dev/null 2>&1 & echo $!'); // acquires: fixtures
  started.push(Number(stdout));
  await sleep(n % 3);
  process.kill(Number(stdout), 'SIGKILL'); // gives back: fixtures
}

/** Not one that has ended, and waits for its new parent. */
function isRunning(pid) {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

run(
  async () => {
    for (let n = 0; n < 20; n++) {
      await scope('preview', () => preview(n)).catch(() => {});
      await scope('fixtures', () => fixtures(n));
    }
    await sleep(1200);
  },
  () => ({ processes: started.filter(isRunning).length }),
);
