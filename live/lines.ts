/** A view as one line of JSON, for machines; and what is new in it in words, where there is no terminal. */
import { place, subject, tally } from '../reports/finding-words.ts';
import { visible } from '../reports/words.ts';
import type { View } from './view.ts';

export function jsonLine({ at, processes, running, pools, growing, report, fresh, gone }: View): string {
  const { verdict, findings } = report;
  const standing = findings.map(({ id, certainty, count }) => ({ id, certainty, count }));
  return JSON.stringify({ at, verdict, processes, running, pools, growing, findings: standing, new: fresh, gone });
}

/** A line for each finding that has come, or gone. */
export function newsLines({ fresh, gone }: View): string[] {
  return [
    ...fresh.map((finding) =>
      visible(`${finding.certainty}: ${place(finding, (file) => file)}: ${subject(finding)}, ${tally(finding)}`),
    ),
    ...gone.map((id) => `no longer so: ${id}`),
  ];
}
