/**
 * A change in the shape of the user's own code, made from the excerpt: the same names, the same call that gives it
 * back, in a `finally`. Where the code is not plain enough to be sure of that, there is none: a wrong suggestion costs
 * more than a sentence.
 */
import path from 'node:path';
import type { Kind } from './format.ts';
import { mapperOf } from './mappers.ts';
import { NATURES } from './natures.ts';
import type { Finding } from './report.ts';

/** Like a line of `diff -w`: what only moves to the right is unchanged. */
export interface FixLine {
  sign: ' ' | '+' | '-';
  text: string;
}

export interface Fix {
  /** Number of the line after which lines are replaced: the one that takes. */
  after: number;
  /** The lines that go, and those that come in their place: all to the end of the block. */
  before: string[];
  now: string[];
  /** From the line that takes to the end of its block, what is far from both left out. */
  shown: FixLine[];
}

/** What a change is made of. */
export type Fixable = Pick<
  Finding,
  'site' | 'excerpt' | 'detector' | 'nature' | 'origin' | 'kind' | 'library' | 'stack' | 'recipe' | 'fix'
>;

/** `const client = await pool.connect();`: what is before the name, the name, and the expression. */
const TAKES = /^(\s*)(?:const|let|var)\s+([A-Za-z_$][\w$]*)(?:\s*:[^=]+)?\s*=\s*(?:await\s+)?([^;]+);?\s*(?:\/\/.*)?$/;
/** Lines of the body that are shown before and after what is left out. */
const SHOWN = { head: 5, tail: 3 };
/** Lines of the file before and after the change in a unified diff. */
const CONTEXT = 3;
/** A secret that was masked, or a line that was cut: not what the file says. */
const IS_ALTERED = /\*\*\*|^\u2026|\u2026$/;

/** Null when the excerpt does not show plainly what is taken, where it is given back, and where its block ends. */
export function suggestFix(finding: Fixable): Fix | null {
  const { site, excerpt } = finding;
  if (!site || !excerpt || !isOfResource(finding) || finding.origin !== 'user') return null;
  // it was tried out, and did not prove right
  if (finding.recipe && !finding.fix) return null;
  const at = site.line - excerpt.first;
  const taking = excerpt.lines[at];
  const [, indent = '', name = '', expression = ''] = TAKES.exec(taking ?? '') ?? [];
  if (taking === undefined || !name || !isBalanced(expression)) return null;
  const block = blockAfter(excerpt.lines.slice(at + 1), indent.length);
  if (!block || [taking, ...block.body].some((text) => IS_ALTERED.test(text))) return null;
  const release = releaseIn(block.body, name, finding.kind) ?? usualRelease(finding, name, expression);
  if (release === null || !isPlain(block.body, name, release)) return null;
  const unit = indentUnit(excerpt.lines);
  const inner = block.body.map((text): FixLine => {
    if (isRelease(text, name)) return { sign: '-', text };
    return { sign: ' ', text: text.trim() === '' ? '' : unit + text };
  });
  const [head, foot] = [[`${indent}try {`], [`${indent}} finally {`, `${indent}${unit}${release}`, `${indent}}`]];
  const added = (text: string): FixLine => ({ sign: '+', text });
  return {
    after: site.line,
    before: block.body,
    now: [...head, ...inner.filter(({ sign }) => sign === ' ').map(({ text }) => text), ...foot],
    shown: [
      { sign: ' ', text: taking },
      ...head.map(added),
      ...shorten(inner, indent + unit),
      ...foot.map(added),
      { sign: ' ', text: block.end },
    ],
  };
}

/** As `git apply` and `patch -p1` take it, in `cwd`. */
export function unifiedDiff(finding: Fixable, cwd: string): string | null {
  const fix = suggestFix(finding);
  const { site, excerpt } = finding;
  if (!fix || !site || !excerpt) return null;
  const { after, before, now } = fix;
  const from = after - excerpt.first + 1;
  const above = excerpt.lines.slice(Math.max(0, from - CONTEXT), from);
  const below = excerpt.lines.slice(from + before.length, from + before.length + CONTEXT);
  if ([...above, ...below].some((text) => IS_ALTERED.test(text))) return null;
  const first = after - above.length + 1;
  const around = above.length + below.length;
  const file = path.relative(cwd, site.file).split(path.sep).join('/');
  const name = file.startsWith('..') ? site.file : `/${file}`;
  const signed = (sign: string, lines: readonly string[]) => lines.map((text) => sign + text);
  return `${[
    `--- a${name}`,
    `+++ b${name}`,
    `@@ -${first},${around + before.length} +${first},${around + now.length} @@`,
    ...signed(' ', above),
    ...signed('-', before),
    ...signed('+', now),
    ...signed(' ', below),
  ].join('\n')}\n`;
}

/** Not of a whole pool, nor of a transaction. */
function isOfResource({ detector, nature }: Fixable): boolean {
  return detector !== 'pool-exhausted' && detector !== 'hold-and-wait' && NATURES[nature].matter === 'resource';
}

/** The rest of the block that a line stands in, and the line that ends it; null when its end is not in sight. */
function blockAfter(lines: readonly string[], depth: number): { body: string[]; end: string } | null {
  const end = lines.findIndex((text) => text.trim() !== '' && indentation(text) < depth);
  if (end < 0 || !/^\s*\}/.test(lines[end] ?? '')) return null;
  const body = lines.slice(0, end);
  while (body.at(-1)?.trim() === '') body.pop();
  return body.length > 0 ? { body, end: lines[end] ?? '' } : null;
}

/** A whole line that gives `name` back: `client.release();`, `await pool.release(client);`. */
function isRelease(text: string, name: string): boolean {
  const own = `${escaped(name)}\\.(?:release|close|end|destroy|terminate|kill|unref)\\([^()]*\\)`;
  const by = `[\\w$.]+\\.(?:release|releaseConnection|destroy|close)\\(\\s*${escaped(name)}\\s*\\)`;
  const clear = `clear(?:Interval|Timeout)\\(\\s*${escaped(name)}\\s*\\)`;
  return new RegExp(`^\\s*(?:await\\s+)?(?:${own}|${by}|${clear});?\\s*(?://.*)?$`).test(text);
}

function releaseIn(body: readonly string[], name: string, kind: Kind): string | null {
  const releases = new Set(body.filter((text) => isRelease(text, name)).map((text) => text.trim()));
  const [release] = releases;
  if (releases.size !== 1 || release === undefined) return null;
  // clearing is for timers, and only for them
  return release.includes('clear') === (kind === 'timer') ? release : null;
}

/** How such a thing is given back when the code nowhere does; null when that is not sure. */
function usualRelease(finding: Fixable, name: string, expression: string): string | null {
  const { nature, library, stack } = finding;
  // what a mapper hands out is no connection, and what a helper returns need not be what it made
  if (mapperOf(stack) !== null || !isTakenHere(finding)) return null;
  const template = NATURES[nature].words.release[library];
  const pool = /^([\w$.]+)\.\w+\(/.exec(expression)?.[1] ?? null;
  if (template === undefined || (pool === null && template.includes('{pool}'))) return null;
  return template.replace('{name}', name).replace('{pool}', pool ?? '');
}

/** Not by a helper that the line calls; what hands out connections may be a library on top of another. */
function isTakenHere({ kind, site, stack }: Fixable): boolean {
  const taker = stack.find(({ file, user }) => (kind === 'connection' ? user : !file.startsWith('node:')));
  return taker === undefined || (taker.file === site?.file && taker.line === site.line);
}

/** Nothing that a `finally` around the body would break or double: no other release, no own try, no hand-over. */
function isPlain(body: readonly string[], name: string, release: string): boolean {
  const others = body.filter((text) => !isRelease(text, name));
  // handed to somebody who may keep it, or given back before a promise that is returned has settled
  const handsOver = new RegExp(
    `^\\s*(?:return|yield)\\b(?!\\s+await\\b).*\\b${escaped(name)}\\b|[\\w$.\\]]\\s*=\\s*${escaped(name)}\\s*;?$|\\bnew\\b.*\\b${escaped(name)}\\b|\\.(?:push|add|set)\\(.*\\b${escaped(name)}\\b`,
  );
  const call = release.replace(/^await\s+/, '').replace(/\(.*$/s, '(');
  return others.every((text) => !/\b(?:finally|using)\b/.test(text) && !text.includes(call) && !handsOver.test(text));
}

/** What is far from both ends of the change is left out. */
function shorten(lines: readonly FixLine[], indent: string): FixLine[] {
  if (lines.length <= SHOWN.head + SHOWN.tail + 1) return [...lines];
  const middle = lines.slice(SHOWN.head, -SHOWN.tail);
  return [
    ...lines.slice(0, SHOWN.head),
    ...(middle.some(({ sign }) => sign === '-') ? middle.filter(({ sign }) => sign === '-') : []),
    { sign: ' ', text: `${indent}…` },
    ...lines.slice(-SHOWN.tail),
  ];
}

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
  }
  return depth === 0;
}

function indentUnit(lines: readonly string[]): string {
  const indents = lines.flatMap((text) => (text.trim() ? (/^\s+/.exec(text) ?? []) : []));
  return indents.sort((a, b) => a.length - b.length)[0] ?? '  ';
}

function indentation(text: string): number {
  return text.length - text.trimStart().length;
}

function escaped(name: string): string {
  return name.replaceAll('$', '\\$');
}
