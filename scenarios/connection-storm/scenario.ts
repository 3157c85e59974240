/** A pool for every slot: right in the small region, a storm of logons in the large one. */
import type { Measured } from '../../reports/comparison/comparison.ts';
import { EVEN } from '../overload/jobs.ts';
import type { OverloadPlan, Region } from '../overload/plan.ts';
import { sizeStorm } from '../overload/rules.ts';
import { overloadScenario } from '../overload/scenario.ts';
import { costsMore, count, cpu, each } from '../overload/words.ts';

const SMALL: Region = { name: 'small region', taskManagers: 1, slots: 6, jobs: EVEN, duration: 8000 };
export const LARGE: Region = { name: 'large region', taskManagers: 4, slots: 30, jobs: EVEN, duration: 8000 };

/** The server has room for every session that is wanted: what fails is not refused. */
export const STORM_SERVER = { maxSessions: 1400, logonSeconds: 4 };
export const STORM_POOLS = { acquireTimeout: 60_000, logonTimeout: 15_000, idleTimeout: 10_000 };

/** Share of the wanted connections that must have been asked for at once: of 1,200, more than 1,000. */
const AT_ONCE = 0.85;

export const connectionStorm: OverloadPlan = {
  name: 'connection-storm',
  title: 'a pool for every slot storms the database when jobs start in the large region',
  story: `Each slot of each job has a connection pool of its own, of two connections. In the small region, with one task manager, nobody
notices. In the large one, four task managers start five jobs of thirty slots each, all slots ask for connections in the
same moment, and the server spends its time on logons. It drops those that take too long by closing their sockets, so
the programs report that the connection broke: an error that sends people to look at the network. One pool for each job
in each task manager does the same work without an error.`,
  conclusion: 'the storm breaks in the large region only, its cause is named, and one pool a job is the cure',
  server: STORM_SERVER,
  pools: STORM_POOLS,
  variants: [
    // the storm first, right after the machine was measured
    { name: 'large-per-slot', region: LARGE, model: 'per-slot', max: 2 },
    { name: 'large-per-job', region: LARGE, model: 'per-job', max: 2 },
    { name: 'small-per-slot', region: SMALL, model: 'per-slot', max: 2 },
  ],
  sizing: [sizeStorm(LARGE.name, 2)],
  claims: [
    {
      words: 'the large region asks for nearly all its connections at once',
      holds: (run) => askedAtOnce(run['large-per-slot']!) >= AT_ONCE,
      figures: ({ 'large-per-slot': large }) =>
        `${count(large!.connections.underWayPeak)} of ${count(large!.connections.wanted)}`,
    },
    {
      words: 'the same configuration has no error in the small region',
      holds: (run) => run['small-per-slot']!.errorCount === 0,
      figures: (run) => each([run['small-per-slot']!], ({ errorCount }) => count(errorCount)),
    },
    {
      words: 'in the large region programs are told that their sockets broke',
      holds: (run) => run['large-per-slot']!.misleading > 0,
      figures: (run) => `${count(run['large-per-slot']!.misleading)} times`,
    },
    {
      words: 'the report names the cause: the server gave up on logons that were too many at once',
      holds: (run) => {
        const { errors, misleading } = run['large-per-slot']!;
        const abandoned = errors.find(({ name }) => name === 'logon-abandoned')?.count ?? 0;
        return misleading > 0 && abandoned >= 0.9 * misleading;
      },
    },
    {
      words: 'one pool a job has no error under the same work',
      holds: (run) => run['large-per-job']!.errorCount === 0,
      figures: (run) => each([run['large-per-slot']!, run['large-per-job']!], ({ errorCount }) => count(errorCount)),
    },
    {
      words: 'a transaction costs the database more CPU with a pool a slot than with a pool a job',
      holds: (run) => costsMore(run['large-per-slot']!, run['large-per-job']!, 'cpuPerTransaction'),
      figures: (run) => each([run['large-per-slot']!, run['large-per-job']!], cpu),
      ofServer: true,
    },
  ],
};

function askedAtOnce({ connections }: Measured): number {
  return connections.underWayPeak / connections.wanted;
}

export const connectionStormScenario = overloadScenario(connectionStorm);
