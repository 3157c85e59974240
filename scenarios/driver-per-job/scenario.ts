/** What it costs to load the driver anew for each job. */
import { programScenario, type RanVariant } from '../leak.ts';
import type { Check } from '../scenario.ts';

/** Beyond an empty context, a job with a driver of its own takes at least so many times as much. */
const TIMES = 1.2;

export const driverPerJob = programScenario({
  name: 'driver-per-job',
  title: 'the driver loaded anew for each job, against once for all',
  story: `The same job is planned again and again, each time in a native context of its own. First each context loads the
driver and all that it is made of anew; then all share the one that the job manager has loaded. The job and the database
do the same. What differs is how long a job takes to be planned, and what it adds to the heap: less than in Java, since V8
shares compiled code between contexts and only what the driver makes of it is there once for each.`,
  conclusion: 'the driver loaded once saves memory and time with each job',
  program: new URL('./program.js', import.meta.url),
  variants: ['per-job', 'once'],
  runs: 10,
  check: (perJob, once) => [memory(perJob, once), time(perJob, once), contexts(perJob, once)],
});

function memory(perJob: RanVariant, once: RanVariant): Check {
  const added = ({ figures }: RanVariant) => ((figures?.bytes ?? 0) - (figures?.controlBytes ?? 0)) / 1024;
  const [before, after] = [added(perJob), added(once)];
  const control = Math.round((once.figures?.controlBytes ?? 0) / 1024);
  return {
    passed: before >= TIMES * after,
    sentence: `beyond an empty context (${control} kB), a job adds ${Math.round(before)} kB to the heap with a driver of its own, ${Math.round(after)} kB without`,
  };
}

function time(perJob: RanVariant, once: RanVariant): Check {
  const [before, after] = [perJob, once].map(({ figures }) => (figures?.microseconds ?? 0) / 1000) as [number, number];
  return {
    passed: before > after,
    sentence: `it takes ${before.toFixed(1)} ms of the processor to be planned with a driver of its own, ${after.toFixed(1)} ms without`,
  };
}

function contexts(perJob: RanVariant, once: RanVariant): Check {
  const [before, after] = [perJob, once].map(({ figures }) => figures?.contexts ?? 0) as [number, number];
  return { passed: before === after, sentence: `both had ${after} native contexts in the end` };
}
