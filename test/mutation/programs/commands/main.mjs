// Commands that are kept running while a job needs them, and what these start in the background; jobs are scopes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { scope } from 'outlive';
import run from '../run.cjs';

const out = { children: 0 };
function count(child) {
  out.children++;
  child.once('exit', () => out.children--);
}

async function translate(n) {
  const child = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] }); // acquires: translate
  count(child);
  try {
    child.stdin.write(`word ${n}\n`);
    await once(child.stdout, 'data');
    if (n % 7 === 3) throw new Error('no such word');
  } finally {
    child.kill(); // gives back: translate
  }
}

async function preview(n) {
  const child = spawn('sleep', ['40'], { stdio: 'ignore' }); // acquires: preview
  count(child);
  await once(child, 'spawn');
  if (n % 5 === 2) {
    child.kill('SIGKILL'); // gives back: preview
    return 'empty';
  }
  await sleep(5);
  child.kill('SIGKILL'); // gives back: preview
  return 'shown';
}

run(
  async () => {
    for (let n = 0; n < 40; n++) {
      await Promise.all([
        scope('translate', () => translate(n)).catch(() => {}),
        scope('preview', () => preview(n)),
        sleep(20),
      ]);
    }
    await sleep(50);
  },
  () => out,
);
