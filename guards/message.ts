/** A leak in the words of a failing test: what, how many, where, who holds it, and what to change. */
import path from 'node:path';
import type { Frame } from '../probe/recording/format.ts';
import { NATURES } from '../probe/recording/natures.ts';
import type { Finding } from '../probe/recording/report.ts';
import { advice } from '../reports/advice.ts';
import { codeFrame, fixLines } from '../reports/code-frame.ts';

export interface Wording {
  /** `the test`, `the suite "orders"`. */
  what: string;
  /** The runner shows the code of an error's first line by itself. */
  showsCode: boolean;
}

/** `1 connection outlives the test`: with all others, one a paragraph. */
export function messageOf(findings: readonly Finding[], wording: Wording): string {
  return findings.map((finding) => paragraph(finding, wording)).join('\n\n');
}

function paragraph(finding: Finding, { what, showsCode }: Wording): string {
  const fix = fixLines(finding);
  const code = showsCode ? [] : codeFrame(finding);
  return [
    `${subject(finding)} ${finding.count === 1 ? 'outlives' : 'outlive'} ${what}, ${place(finding)}`,
    ...(code.length > 0 ? ['', ...code, ''] : []),
    ...finding.evidence,
    ...(finding.held.length > 0 ? [`Held by ${finding.held.join('; ')}.`] : []),
    advice(finding),
    ...(fix.length > 0 ? ['', ...fix.map((line) => `  ${line}`)] : []),
  ].join('\n');
}

/** `2 connections of the pool orders (pg)`. */
export function subject({ nature, library, pool, count }: Finding): string {
  const { one, many } = NATURES[nature].words;
  const of = pool === null ? ` (${library})` : ` of the pool ${pool} (${library})`;
  return `${count} ${count === 1 ? one : many}${of}`;
}

function place({ site, siteUnknown }: Finding): string {
  if (!site) return `taken somewhere: ${siteUnknown}`;
  const name = site.function ? ` in ${site.function}` : '';
  return `taken at ${fromHere(site.file)}:${site.line}:${site.column}${name}`;
}

/** `kinds`: what Node says of what it waits for, told where nothing else is known. `ends`: the run is ended by it. */
export function hangingMessage(findings: readonly Finding[], kinds: readonly string[], ends: boolean): string {
  const lines = findings.map((finding) => `${subject(finding)}, ${place(finding)}`);
  const told =
    lines.length > 0 ? lines : [`nothing that outlive watches; Node waits for ${[...new Set(kinds)].join(', ')}`];
  return [
    'outlive: The tests are over, and the process does not end. What is open:',
    ...told.map((line) => `  ${line}`),
    ends ? 'It is ended now, with a failure.' : 'With OUTLIVE_TEST_END_HANGING=1 such a run ends, with a failure.',
    '',
  ].join('\n');
}

/** As V8 writes it, so that whoever reads stacks finds the line: the blamed frame, and those of the user's that led to it. */
export function stackOf(frames: readonly Frame[], blamed: number): string {
  return frames
    .filter(({ user }, index) => index === blamed || (user && index > blamed))
    .map(({ file, line, column, function: name }) => {
      const place = `${file}:${line}:${column}`;
      return `    at ${name ? `${name} (${place})` : place}`;
    })
    .join('\n');
}

/** As people name a file: from the working directory. */
export function fromHere(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}
