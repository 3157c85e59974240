/** A table of options, and what follows from it: the typed values, the sentences, the help. */
import { expect, test } from 'vitest';
import { listOf, milliseconds, wholeNumber } from '../cli/checks.ts';
import { glance, helpOf, type Options, parse, parseOptions, splitAtDashes } from '../cli/options.ts';

const LEVELS = ['low', 'high'] as const;
const BREW = {
  output: { short: 'o', value: 'FILE', multiple: true, help: 'where to' },
  cupsAtOnce: { value: 'N', default: '2', check: wholeNumber(1, 12), help: 'how many' },
  pause: { value: 'T', check: milliseconds(100), help: 'between two (default: none)' },
  statuses: { value: 'N,N', check: listOf(wholeNumber(100, 599)), help: 'as they should be' },
  heat: { value: 'LEVEL', allowed: LEVELS, default: 'low', help: 'how hot' },
  release: { value: 'N', allowed: [19, 23], help: 'which' },
  verbose: { help: 'say more' },
} as const satisfies Options;

const brew = (...args: string[]) => parse('brew', args, BREW);

test('a row gives a value of its type; what is not given is its default, false, empty or missing', () => {
  const cups: number | undefined = brew()?.values.cupsAtOnce;
  expect(cups).toBe(2);
  expect(brew('bean')).toEqual({
    values: { output: [], cupsAtOnce: 2, heat: 'low', verbose: false },
    positionals: ['bean'],
  });
  const args = ['-o', 'a', '--output=b', '--cups-at-once', '3', '--pause', '1.5m', '--statuses', '200, 404'];
  expect(brew(...args, '--heat', 'high', '--release', '23', '--verbose')?.values).toEqual({
    output: ['a', 'b'],
    cupsAtOnce: 3,
    pause: 90_000,
    statuses: [200, 404],
    heat: 'high',
    release: 23,
    verbose: true,
  });
});

test('help is asked for whatever else is wrong with the values', () => {
  expect(brew('--heat', 'none', '--help')).toBeNull();
  expect(parseOptions('brew', ['-h', 'bean'], BREW)).toBeNull();
});

test.each([
  [
    ['--sugar'],
    "outlive brew has no option '--sugar'; it has --output, --cups-at-once, --pause, --statuses, --heat, --release, --verbose, --help.",
  ],
  [['--heat'], "outlive brew: Option '--heat <value>' argument missing."],
  [['--heat', 'none'], '--heat must be low or high, not "none".'],
  [['--release', '21'], '--release must be 19 or 23, not "21".'],
  [['--cups-at-once', '1.5'], '--cups-at-once must be a whole number from 1 to 12, not "1.5".'],
  [['--cups-at-once', '-1'], '--cups-at-once must be a whole number from 1 to 12, not "-1".'],
  [['--statuses', '200,'], '--statuses must be a whole number from 100 to 599, not "".'],
  [['--pause', '5'], null],
  [['--pause', '50ms'], '--pause must be a time such as 30s, 5m or 500ms of at least 100 ms, not "50ms".'],
  [['--pause', '25h'], '--pause must be a time such as 30s, 5m or 500ms of at most 24h, not "25h".'],
  [['bean'], 'outlive brew takes options only, not "bean".'],
])('%j is a value, or one sentence that says what is wrong and what is allowed', (args, sentence) => {
  const parsed = () => parseOptions('brew', args, BREW);
  if (sentence === null) expect(parsed).not.toThrow();
  else expect(parsed).toThrow(expect.objectContaining({ name: 'UserError', message: sentence }));
});

test('the help has a row for each option, its values and default in brackets, and is wrapped at 120 columns', () => {
  const long = `${'word '.repeat(25)}end`;
  expect(helpOf({ ...BREW, verbose: { help: long } })).toBe(`\
  -o, --output FILE     where to (may be repeated)
      --cups-at-once N  how many (default 2)
      --pause T         between two (default: none)
      --statuses N,N    as they should be
      --heat LEVEL      how hot (low, high; default low)
      --release N       which (19, 23)
      --verbose         ${'word '.repeat(19).trim()}
                        ${'word '.repeat(6)}end`);
});

test('the help loses nothing of a word that is longer than a line', () => {
  const list = Array.from({ length: 60 }, (_, i) => `adapter${i}`).join();
  const help = helpOf({ verbose: { help: `leave out ${list} and go on` } });
  expect(help.split('\n').every((line) => line.length <= 120)).toBe(true);
  expect(help.replace(/\s/g, '')).toBe(`--verboseleaveout${list}andgoon`);
});

test('what is asked can be seen before it is known which options there are', () => {
  const { has, words } = glance(['--cups-at-once', '3', 'bean', '--heat', '--sugar'], BREW);
  expect(words).toEqual(['bean']);
  expect([has('cupsAtOnce'), has('heat'), has('pause')]).toEqual([true, true, false]);
});

test('what follows -- is a program with its arguments', () => {
  expect(splitAtDashes(['--json', '--', 'node', '--', 'x'])).toEqual({ own: ['--json'], program: ['node', '--', 'x'] });
  expect(splitAtDashes(['--json'])).toEqual({ own: ['--json'], program: [] });
});
