/** A task manager with a thread for each job. Usage: program.js leaking|fixed RUNS, with DATABASE_URL. */
import { scope } from '../../probe/index.ts';
import { reportRun, reportWork } from '../program.ts';
import * as fixed from './fixed.ts';
import * as leaking from './leaking.ts';

const JOB = new URL('./job.js', import.meta.url);
const [variant, runsText] = process.argv.slice(2);
const { runInThread } = variant === 'leaking' ? leaking : fixed;
const runs = Number(runsText);
const work = { runs: 0, lanes: 0 };
for (let run = 1; run <= runs; run++) {
  work.lanes += await scope('job', () => runInThread(JOB, { url: process.env.DATABASE_URL, run }));
  work.runs++;
  await reportRun(run, runs, `${work.runs} jobs run`);
}
await reportWork(work);
// orphans would keep the program, as they kept the task manager
process.exit(0);
