/**
 * `npm run fuzz -- [--seed N] [--cases N]`: see fuzz.ts; then how long hostile texts take, four times as long each. Exits
 * with 1 when anything fails.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { fuzz, type Subject } from './fuzz.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, cases: { type: 'string', default: '100000' } },
});
const [seed, cases] = [Number(values.seed), Number(values.cases)];
if (!Number.isInteger(seed) || !Number.isInteger(cases) || cases < 1) {
  process.stderr.write('--seed and --cases must be whole numbers.\n');
  process.exit(2);
}

const built = async (name: string): Promise<Subject> => import(new URL(`../../dist/${name}.js`, import.meta.url).href);
const { mask, maskArguments, sqlShape } = await built('probe/recording/mask');
const { linesOf, orderOf, answerOf } = await built('probe/control/protocol');
const { reportRun } = await built('reports/run');
const { FORMATS } = await built('cli/formats');
const { UserError } = await built('user-error');

const began = performance.now();
const subject = { mask, maskArguments, sqlShape, linesOf, orderOf, answerOf, reportRun, FORMATS, UserError };
const failures = fuzz(subject, { seed, cases });
for (const { of, seed: own, what } of failures) process.stdout.write(`${of}, seed ${own}: ${what}\n`);
const seconds = ((performance.now() - began) / 1000).toFixed(0);
process.stdout.write(`${cases} cases in ${seconds} s, ${failures.length} failed\n`);

/** What made patterns go back and forth. */
const HOSTILE = [
  'id-',
  'a.',
  'a/',
  '@',
  ':',
  ' ',
  '://',
  'a://b:',
  'password ',
  'password="',
  "'",
  '"',
  '/*',
  '$$',
  "q'[",
  'eyJ',
  '\\',
  '{',
  ',',
  '0',
];
/** Milliseconds that a megabyte may take: each reads only the beginning. */
const LIMIT_MS = 50;

const slow = HOSTILE.flatMap((piece) =>
  Object.entries({ mask, sqlShape, maskArguments: (text: string) => maskArguments([text]) }).flatMap(([name, read]) =>
    ['', 'password', "select '"].flatMap((start) => {
      const text = start + piece.repeat(1e6 / piece.length);
      const times = Array.from({ length: 3 }, () => {
        const from = performance.now();
        read(text);
        return performance.now() - from;
      });
      const least = Math.min(...times);
      return least > LIMIT_MS
        ? [`${name} of ${JSON.stringify(start + piece)} again and again: ${least.toFixed(0)} ms`]
        : [];
    }),
  ),
);
for (const sentence of slow) process.stdout.write(`${sentence}\n`);
process.exitCode = failures.length + slow.length > 0 ? 1 : 0;
