/** The lines around a finding's site, with the call marked, and the change that is suggested: for every kind of report. */
import { type FixLine, suggestFix } from '../probe/recording/fix.ts';
import type { Finding } from '../probe/recording/report.ts';
import { type Matter, matterOf } from './matter.ts';
import { visible } from './words.ts';

export interface CodeLine {
  number: number;
  text: string;
  /** What the call on this line did; null on every other line. */
  call: string | null;
}

/** What the marked call did. */
const CALLS: Record<Matter, string> = {
  resource: 'created here',
  transaction: 'acquired here',
  session: 'done here',
  pools: 'a pool of its own for this call',
  memory: 'made here',
  growth: 'added here',
  exhaustion: 'acquired here',
  deadlock: 'waits here',
};

/** Of a report that is text: lines shown before the site, and after it. */
const AROUND = { before: 2, after: 4 };

/** All lines of the excerpt; empty where there is none. */
export function codeLines(finding: Finding): CodeLine[] {
  const { site, excerpt } = finding;
  if (!site || !excerpt) return [];
  return excerpt.lines.map((text, i) => {
    const number = excerpt.first + i;
    return { number, text, call: number === site.line ? callOf(finding) : null };
  });
}

/** `> 12 │ const client = await pool.connect();  ← acquired here`, and what stands around it, at most 7 lines. */
export function codeFrame(finding: Finding, width: number = Number.POSITIVE_INFINITY): string[] {
  const all = codeLines(finding);
  const at = all.findIndex(({ call }) => call !== null);
  if (at < 0) return [];
  const lines = all.slice(Math.max(0, at - AROUND.before), at + AROUND.after + 1);
  const depth = commonIndent(lines.map(({ text }) => text));
  const digits = String(lines.at(-1)?.number).length;
  return lines.map(({ number, text, call }) => {
    const gutter = `${call === null ? ' ' : '>'} ${String(number).padStart(digits)} │ `;
    const mark = call === null ? '' : `  ← ${call}`;
    const room = Math.max(16, width - gutter.length - mark.length);
    const from = call === null ? 0 : startOf(text.length - depth, (finding.excerpt?.column ?? 1) - depth, room);
    const part = `${from > 0 ? '…' : ''}${text.slice(depth + from)}`;
    return `${gutter}${cut(oneLine(part), room)}${mark}`.trimEnd();
  });
}

/** The suggested change, a line each, with its sign in front; empty where none is sure. */
export function fixLines(finding: Finding, width: number = Number.POSITIVE_INFINITY): string[] {
  const shown: FixLine[] = suggestFix(finding)?.shown ?? [];
  const depth = commonIndent(shown.map(({ text }) => text));
  return shown.map(({ sign, text }) => cut(`${sign} ${oneLine(text.slice(depth))}`.trimEnd(), width));
}

/** Where a line that is wider than the room begins, so that the call is in sight. */
function startOf(length: number, column: number, room: number): number {
  return length <= room || column < room / 2 ? 0 : Math.min(column - Math.floor(room / 2), length - room + 1);
}

function callOf(finding: Finding): string {
  const matter = matterOf(finding);
  return matter === 'resource' && finding.kind === 'connection' ? 'acquired here' : CALLS[matter];
}

function commonIndent(lines: readonly string[]): number {
  const indents = lines.filter((text) => text.trim()).map((text) => text.length - text.trimStart().length);
  return indents.length > 0 ? Math.min(...indents) : 0;
}

function oneLine(text: string): string {
  return visible(text).replaceAll('\t', '  ').replaceAll('\n', ' ');
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}
