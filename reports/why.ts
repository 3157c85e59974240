/** Why nothing was found at a line: which evidence was sought, and what it came to. */
import { siteOf } from '../probe/recording/build-report.ts';
import type { OpenSite, Recording } from '../probe/recording/format.ts';
import type { Report } from '../probe/recording/report.ts';
import { Sources } from '../probe/recording/source.ts';
import { duration } from './words.ts';

/** Plain sentences. `file` is a path or the end of one, as people say it. */
export function whyNot(report: Report, recordings: readonly Recording[], file: string, line: number): string[] {
  const isThere = (site: { file: string; line: number } | null) => site?.line === line && endsWith(site.file, file);
  const found = report.findings.filter(({ site }) => isThere(site));
  if (found.length > 0) {
    return found.map(
      ({ certainty, kind, count, detector }) =>
        `Something was found there: ${certainty}, ${count} ${kind}, by ${detector}.`,
    );
  }
  const sources = Sources.of(recordings);
  const open = recordings.flatMap((recording) =>
    recording.openSites
      .filter(({ site, frame }) => isThere(siteOf(recording, site, frame, sources)))
      .flatMap((known) => about(known, recording)),
  );
  if (open.length > 0) return open;
  return aboutClosed(recordings, sources, file, line);
}

function about(site: OpenSite, { process, unsupported }: Recording): string[] {
  const { kind, library, acquired, released, open, busy, idleMs } = site;
  const graceMs = Number(process.settings.graceMs ?? 1000);
  const head = `${acquired} ${library} ${kind}s acquired there, ${released} released, ${open} open at the end of the recording.`;
  if (acquired === 1) return [head, 'It acquired only once: something made once and held for life is not judged.'];
  if (busy === open) return [head, 'All that are open had an operation under way: they are in use.'];
  if (idleMs <= graceMs)
    return [head, `None was idle for longer than ${duration(idleMs)}; the grace is ${duration(graceMs)}.`];
  return [
    head,
    scopeSentence(site),
    ...flowSentences(site, unsupported),
    `growth: ${site.windows} windows of work seen, of at least 5 that a trend needs.`,
    heldSentence(site, graceMs, Number(process.settings.heldMs ?? 0)),
  ];
}

function scopeSentence({ open, unscoped, running, afterScope }: OpenSite): string {
  if (unscoped === open) return 'outlived-scope: all were taken outside any scope (name jobs with scope()).';
  if (unscoped + running === open) return `outlived-scope: ${running} are in scopes that have not ended.`;
  if (afterScope > 0)
    return `outlived-scope: ${afterScope} came back only after their scope, so being late is normal here.`;
  return 'outlived-scope: too few, or too soon after the end of their scope.';
}

function flowSentences(
  { open, lost, leftBehind, released, inFlow }: OpenSite,
  unsupported: readonly string[],
): string[] {
  const missing = unsupported.find((what) => what.startsWith('flow-ended'));
  if (missing) return [`Not possible here: ${missing}.`];
  const alive = open - leftBehind;
  return [
    alive === 0
      ? 'superseded: their flows went on, but took fewer than 3 later ones here.'
      : `superseded: of ${alive} a continuation still exists that has it as its newest, or no garbage collection has told.`,
    lost === 0
      ? 'flow-ended: no flow is known to be gone.'
      : `flow-ended: ${lost} flows are gone, but of ${released} that came back only ${inFlow} were given back by their own flow.`,
  ];
}

function heldSentence({ uses, longestUseMs, idleMs }: OpenSite, graceMs: number, heldMs: number): string {
  if (heldMs > 0) return `held-too-long: idle for ${duration(idleMs)}, the limit is set to ${duration(heldMs)}.`;
  if (uses < 10) return `held-too-long: ${uses} came back so far; 10 are needed to know what is usual.`;
  const limit = Math.max(graceMs, 10 * longestUseMs);
  return `held-too-long: idle for ${duration(idleMs)}; the limit is ${duration(limit)}, from ${duration(longestUseMs)} at most so far.`;
}

function aboutClosed(recordings: readonly Recording[], sources: Sources, file: string, line: number): string[] {
  let acquired = 0;
  const others = new Set<number>();
  for (const recording of recordings) {
    for (const [id, , , , count, released] of recording.totals) {
      const stack = (recording.sites.get(id) ?? []).map((frame) => sources.original(frame));
      for (const frame of stack.filter((each) => endsWith(each.file, file))) {
        if (frame.line !== line) others.add(frame.line);
        else acquired += Math.min(count, released);
      }
    }
  }
  if (acquired > 0) return [`All ${acquired} that were acquired through that line came back.`];
  const lines = [...others].sort((a, b) => a - b).join(', ');
  return [
    `Nothing was acquired through ${file}:${line} in this run.`,
    others.size > 0
      ? `In that file, something was through ${others.size === 1 ? 'line' : 'lines'} ${lines}.`
      : 'Nor through any other line of that file.',
  ];
}

function endsWith(path: string, end: string): boolean {
  return path === end || path.endsWith(`/${end.replace(/^\.?\//, '')}`);
}
