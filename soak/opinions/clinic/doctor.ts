/** The verdict in the page of Clinic Doctor. */
import { embedded } from './embedded.ts';

/** By its category, in the words of its page. */
const VERDICTS: Readonly<Record<string, string>> = {
  none: 'Clinic Doctor found no issue.',
  gc: 'Clinic Doctor found a potential Garbage Collection issue: the collector kept the event loop from turning.',
  'event-loop': 'Clinic Doctor found a potential Event Loop issue: synchronous work kept it from turning.',
  io: 'Clinic Doctor found a potential I/O issue: the process waited for others most of the time.',
  unknown: 'Clinic Doctor found an issue that it cannot tell the kind of.',
  data: 'Clinic Doctor saw too little to judge; a longer load may give it enough.',
};

/** What stands out, by the parts of its analysis. */
const GAUGES: Readonly<Record<string, string>> = {
  delay: 'the delay of the event loop',
  cpu: 'the CPU usage',
  memory: 'the memory usage',
  handles: 'the number of active handles',
  loopUtilization: 'the utilization of the event loop',
};

interface Analysis {
  issueCategory: string;
  issues?: Record<string, string | Record<string, string>>;
}

export function doctorSays(page: string): string[] {
  const analysis = embedded<Analysis>(page, '"analysis":');
  const verdict = VERDICTS[analysis?.issueCategory ?? ''];
  if (!analysis || verdict === undefined) return [];
  const odd = Object.entries(analysis.issues ?? {}).filter(([, issue]) =>
    (typeof issue === 'string' ? [issue] : Object.values(issue)).includes('performance'),
  );
  const names = odd.flatMap(([gauge]) => GAUGES[gauge] ?? []);
  return names.length === 0 ? [verdict] : [verdict, `It finds unusual: ${names.join(', ')}.`];
}
