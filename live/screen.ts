/** A view as lines for a terminal. Nothing is wider than asked for, nor longer than the screen. */
import { styleText } from 'node:util';
import type { Finding } from '../probe/recording/report.ts';
import { MARKS, place, subject, tally } from '../reports/finding-words.ts';
import { verdictSentence } from '../reports/verdict.ts';
import { amount, duration, number, pathFrom, plural, visible } from '../reports/words.ts';
import type { Growth, LivePool, View } from './view.ts';

export interface ScreenOptions {
  width: number;
  height: number;
  color: boolean;
}

type Style = Parameters<typeof styleText>[0];

const BAR = 20;
const NUMBER = 6;
/** Of a screen, what pools may take, and what grows. */
const POOLS = 8;
const GROWING = 5;

export function screen(view: View, { width, height, color }: ScreenOptions): string[] {
  const paint = (style: Style, text: string) => (color ? styleText(style, text, { validateStream: false }) : text);
  const cut = (text: string) => (text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text);
  const where = (file: string) => pathFrom(process.cwd(), file);
  const title = (text: string) => paint('dim', cut(text));
  const lines = [
    paint('bold', cut(head(view))),
    paint(TONES[view.report.verdict], cut(visible(verdictSentence(view.report)))),
    '',
  ];
  if (view.pools.length > 0) {
    lines.push(title(poolHead(width)));
    for (const pool of view.pools.slice(0, POOLS)) {
      const text = cut(poolRow(pool, width));
      lines.push(pool.pending > 0 ? paint('yellow', text) : text);
    }
    lines.push(...more(view.pools.length - POOLS, 'pool').map(title), '');
  }
  if (view.growing.length > 0) {
    lines.push(title('what grows'));
    lines.push(...view.growing.slice(0, GROWING).map((growth) => cut(growthRow(growth, where))), '');
  }
  const { findings } = view.report;
  lines.push(title(findings.length > 0 ? 'findings' : 'findings: none'));
  const room = Math.max(2, height - lines.length - 1);
  const shown = Math.max(1, Math.floor((findings.length * 2 > room ? room - 1 : room) / 2));
  for (const finding of findings.slice(0, shown)) {
    const [first = '', second = ''] = findingRows(finding, where);
    lines.push(paint(finding.certainty === 'suspect' ? 'yellow' : 'red', cut(first)), cut(second));
  }
  lines.push(...more(findings.length - shown, 'finding').map(title));
  return lines.slice(0, Math.max(4, height));
}

const TONES = { leak: 'red', suspect: 'yellow', inconclusive: 'yellow', clean: 'green' } as const satisfies Record<
  View['report']['verdict'],
  Style
>;

function head({ report, processes, running, at }: View): string {
  const started = Math.min(...report.processes.map((process) => Date.parse(process.started)));
  const since = Number.isFinite(started) ? ` · since ${duration(Math.max(0, at - started))}` : '';
  const clock = new Date(at).toTimeString().slice(0, 8);
  return `outlive · ${number(running)} of ${plural(processes, 'process', 'processes')} ${running === 1 ? 'runs' : 'run'}${since} · ${clock}`;
}

function poolHead(width: number): string {
  const names = ['used', 'idle', 'wait', 'max'].map((name) => name.padStart(NUMBER)).join('');
  return `${'pools'.padEnd(nameWidth(width))}${' '.repeat(BAR + 1)}${names}`;
}

function poolRow({ library, name, pid, used, idle, pending, max }: LivePool, width: number): string {
  const called = visible(name.startsWith(library) ? name : `${library} ${name}`);
  const room = nameWidth(width) - 1;
  const label = `${called} (${pid})`;
  const fits = label.length > room ? `${label.slice(0, Math.max(0, room - 1))}…` : label;
  const numbers = [used, idle, pending].map((value) => String(value).padStart(NUMBER)).join('');
  return `${fits.padEnd(room + 1)}${bar(used, idle, max)} ${numbers}${(max > 0 ? String(max) : '–').padStart(NUMBER)}`;
}

function nameWidth(width: number): number {
  return Math.max(16, Math.min(40, width - BAR - 1 - 4 * NUMBER));
}

/** Used, idle, and what is not open yet. */
function bar(used: number, idle: number, max: number): string {
  const whole = Math.max(1, max, used + idle);
  const full = Math.min(BAR, Math.round((used / whole) * BAR));
  const half = Math.min(BAR - full, Math.round((idle / whole) * BAR));
  return '█'.repeat(full) + '▒'.repeat(half) + '·'.repeat(BAR - full - half);
}

function growthRow({ kind, library, site, from, to, overMs }: Growth, where: (file: string) => string): string {
  const line = site ? `${where(site.file)}:${site.line} ${site.function}`.trim() : 'line not known';
  return visible(`  ${number(from)} → ${number(to)} ${library} ${kind}, in ${duration(overMs)}, ${line}`);
}

function findingRows(finding: Finding, where: (file: string) => string): string[] {
  const { certainty } = finding;
  const line = `${place(finding, where)} ${finding.site?.function ?? ''}`.trimEnd();
  return [
    visible(`${MARKS[certainty]} ${certainty}  ${line}`),
    visible(`  ${subject(finding)}, ${finding.acquired > 0 ? tally(finding) : amount(finding.count, finding.kind)}`),
  ];
}

function more(left: number, what: string): string[] {
  return left > 0 ? [`  and ${plural(left, `more ${what}`)}`] : [];
}
