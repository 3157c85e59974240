/** SQL as one database reads it, with a secret in its strings and comments, cut off somewhere. */
import type { Random } from './random.ts';

/** Stands in every literal and every comment, and nowhere else. */
export const SECRET = 'zq7';

type Make = (random: Random) => string;

interface Database {
  literals: readonly Make[];
  names: readonly string[];
  comments: readonly Make[];
}

const PIECES = [
  SECRET,
  "'",
  '"',
  '\\',
  '--',
  '/*',
  '*/',
  '#',
  '$$',
  '$a$',
  '[',
  ']',
  '`',
  '\n',
  ' ',
  'x',
  ';',
  ':1',
  '?',
];

/** With the secret somewhere. `without`: what may not stand in it. */
function body(random: Random, ...without: string[]): string {
  const pieces = random.many(0, 5, () => random.pick(PIECES));
  pieces.splice(random.below(pieces.length + 1), 0, SECRET);
  let text = pieces.join('');
  for (const each of without) text = text.replaceAll(each, '_');
  return text;
}

const doubled =
  (quote: string, prefix = ''): Make =>
  (random) =>
    `${prefix}${quote}${body(random).replaceAll(quote, quote + quote)}${quote}`;
const escaped =
  (quote: string, prefix = ''): Make =>
  (random) =>
    `${prefix}${quote}${body(random)
      .replaceAll('\\', '\\\\')
      .replaceAll(quote, random.chance(0.5) ? `\\${quote}` : quote + quote)}${quote}`;
const inDollars =
  (tag: string): Make =>
  (random) =>
    `${tag}${body(random, '$')}${tag}`;
const alternative =
  (prefix: string, opening: string, closing: string): Make =>
  (random) =>
    `${prefix}'${opening}${body(random, `${closing}'`, closing)}${closing}'`;

const line =
  (sign: string): Make =>
  (random) =>
    `${sign} ${body(random, '\n')}\n`;
const block: Make = (random) => `/*${random.pick(['', '+', ' '])}${body(random, '*/', '/*', '!')}*/`;
const nested: Make = (random) => `/* ${body(random, '*/', '/*')} ${block(random)} ${body(random, '*/', '/*')} */`;

export const DATABASES: Readonly<Record<string, Database>> = {
  postgresql: {
    literals: [
      doubled("'"),
      escaped("'", 'E'),
      inDollars('$$'),
      inDollars('$tag$'),
      doubled("'", 'U&'),
      doubled("'", 'B'),
    ],
    names: ['"it\'s"', '"a""b"', 'arr[1]', 'x::int', 'data #>> $1', 'a$b'],
    comments: [line('--'), block, nested],
  },
  mysql: {
    literals: [escaped("'"), escaped('"'), escaped("'", '_utf8'), escaped("'", 'N')],
    names: ["`it's`", '`a"b`', '`a``b`', '@v'],
    comments: [line('--'), line('#'), block],
  },
  oracle: {
    literals: [
      ...[doubled("'"), doubled("'", 'N'), alternative('q', '[', ']'), alternative('Q', '(', ')')],
      ...[alternative('nq', '{', '}'), alternative('q', '!', '!')],
    ],
    names: ['"it\'s"', 'serial#', 'v$session', ':name', ':1'],
    comments: [line('--'), block],
  },
  'sql server': {
    literals: [doubled("'"), doubled("'", 'N')],
    names: ["[it's]", '[a"b]', '"it\'s"', '#temp', '@p1', '[a]]b]'],
    comments: [line('--'), block, nested],
  },
};

const CODE = ['select', 'where', 'a', 't.b', '=', ',', '(', ')', '+', '<>', 'and', '*', '$1', '?'];
/** Behind these no string can stand: double quotes are a name's. */
const BEFORE_NAME = ['from', 'into', 'update', 'join'];

/** Pieces that stand apart, so that none changes what the next one is. */
export function statement(random: Random): string {
  const { literals, names, comments } = random.pick(Object.values(DATABASES));
  const text = random
    .many(1, 14, () => {
      if (random.chance(0.3)) return random.pick(literals)(random);
      if (random.chance(0.15)) return random.pick(comments)(random);
      if (random.chance(0.2)) return random.pick(names);
      return random.chance(0.2) ? `${random.pick(BEFORE_NAME)} t` : random.pick(CODE);
    })
    .join(random.pick([' ', '\n', ' , ']));
  return random.chance(0.3) ? text.slice(0, random.below(text.length + 1)) : text;
}
