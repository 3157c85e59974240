/**
 * `npm run stress -- [--seconds N]`: leases that somebody holds, judged again and again while they are used. Exits with 1
 * when one of them is called lost, or a job fails or hangs. The probe that was built is the one that is tried.
 */
import { parseArgs } from 'node:util';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { stress } from './stress.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '300' } } });
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1) {
  process.stderr.write(`--seconds must be a whole number from 1 on, not "${values.seconds}".\n`);
  process.exit(2);
}
const postgres = await startPostgres({ fsync: false });
try {
  for (const [library, max] of [
    ['pg', 80],
    ['generic-pool', 1000],
  ] as const) {
    const given = { library, seconds, max, databaseUrl: postgres.url };
    const { judged, proven, done, failed, hung, left, altered } = await stress(given);
    process.stdout.write(
      `${library}: ${judged} leases judged, ${proven} called lost; ${done} jobs done, ${failed} failed${hung ? ', some hang' : ''}; ${left} still out, ${altered} with other listeners\n`,
    );
    if (proven + failed + left + altered > 0 || hung) process.exitCode = 1;
  }
} finally {
  await postgres.stop();
}
