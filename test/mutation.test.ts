/** A handful of the mutants that `npm run mutate` makes, and what keeps its results honest. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { judge, leaked } from './mutation/judge.ts';
import { mutantsOf } from './mutation/mutate.ts';
import { isGood, type ProgramResult, resultOf, share, totalsOf } from './mutation/results.ts';
import { programs, Workbench } from './mutation/workbench.ts';
import { REGISTER } from './support/probed.ts';

/** The results of the mutants of one program whose call contains `call`. */
async function mutated(name: string, call: string): Promise<ProgramResult> {
  using bench = new Workbench({ register: REGISTER, env: {} });
  const program = programs().find((each) => each.name === name)!;
  const mutants = mutantsOf(program.files).filter((mutant) => mutant.call.includes(call));
  const [untouched, ...observed] = await Promise.all([null, ...mutants].map((each) => bench.observe(program, each)));
  return { name, untouched: untouched!, mutants: mutants.map((each, i) => resultOf(each, observed[i]!, untouched!)) };
}

test('without its clearInterval, or with four in five of them, the line that set the interval is named', async () => {
  const result = await mutated('transcoder', 'clearInterval(ticker)');
  expect(result.untouched).toMatchObject({ found: [], problem: null });
  expect(result.mutants).toMatchObject([
    { mutation: 'deleted', outcome: 'exact', leaks: 60, falseFindings: [] },
    { mutation: 'every 5th skipped', outcome: 'exact', leaks: 12, falseFindings: [] },
  ]);
  expect(isGood(totalsOf([result]))).toBe(true);
});

test('a call that gives nothing back makes an equivalent mutant, in which nothing may be found', async () => {
  const result = await mutated('lifelong', 'clearInterval(this.#sweeper)');
  expect(result.mutants).toMatchObject([
    { outcome: 'equivalent', leaks: 0, falseFindings: [] },
    { outcome: 'equivalent', leaks: 0, falseFindings: [] },
  ]);
});

test('a loop over an iterator is over when its signal has ended it, though nobody called return()', async () => {
  const result = await mutated('feeds', 'clearTimeout(timeout)');
  expect(result.untouched).toMatchObject({ found: [], problem: null });
  expect(result.mutants).toMatchObject([
    { outcome: 'exact', falseFindings: [] },
    { outcome: 'exact', falseFindings: [] },
  ]);
});

const small = `const a = await pool.acquire(); // acquires: a
if (isEarly) {
  pool.release(
    a,
  ).catch(report);
}
// gives back: a
stop();
`;

test('a mutant lacks one call, and every other line stays where it was', () => {
  expect(() => mutantsOf(new Map([['main.mjs', `${small}a; // gives back: a\n`]]))).toThrow('main.mjs:9 is marked');
  expect(() => mutantsOf(new Map([['main.mjs', 'stop(); // gives back: b\n']]))).toThrow('which no line acquires');

  const mutants = mutantsOf(new Map([['main.mjs', small]]));
  expect(mutants.map(({ line, call, expected }) => [line, call, expected])).toEqual([
    [3, 'pool.release( a, )', []],
    [3, 'pool.release( a, )', []],
    [8, 'stop()', ['main.mjs:1']],
    [8, 'stop()', ['main.mjs:1']],
  ]);
  for (const { source } of mutants) expect(source.split('\n')).toHaveLength(small.split('\n').length);
  expect(mutants[0]?.source).toContain('  Promise.resolve()\n\n.catch(report);');
  expect(mutants[3]?.source).toContain('% 5 ? stop() : undefined);');
});

test('only a likely or proven finding at the acquiring line counts, and a likely one elsewhere is false', () => {
  const found = (place: string, certainty: 'likely' | 'suspect') => ({
    place,
    certainty,
    detector: 'growth',
    count: 4,
  });
  const outcome = (list: ReturnType<typeof found>[], leaks = 4) => {
    const { outcome, falseFindings } = judge(['a:1'], list, leaks);
    return [outcome, falseFindings.length];
  };
  expect(outcome([found('a:1', 'likely')])).toEqual(['exact', 0]);
  expect(outcome([found('a:1', 'suspect')])).toEqual(['unsure', 0]);
  expect(outcome([found('a:1', 'suspect')], 1)).toEqual(['exact', 0]);
  expect(outcome([found('a:2', 'suspect')])).toEqual(['elsewhere', 0]);
  expect(outcome([found('a:1', 'likely'), found('a:2', 'likely')])).toEqual(['exact', 1]);
  expect(outcome([])).toEqual(['missed', 0]);
  expect(outcome([found('a:1', 'likely')], 0)).toEqual(['equivalent', 1]);
});

test('what an untouched program keeps for life does not count as leaked', () => {
  const untouched = { isCutOff: false, out: { borrowed: 1, intervals: 3 } };
  expect(leaked({ isCutOff: false, out: { borrowed: 1, intervals: 3 } }, untouched)).toBe(0);
  expect(leaked({ isCutOff: true, out: { borrowed: 9, intervals: 3 } }, untouched)).toBe(8);
});

test('what something alive holds is not asked to be proven, and false where it is called that', () => {
  const mutant = { file: 'a', line: 2, call: 'off()', mutation: 'deleted', expected: ['a:1'], source: '' } as const;
  const untouched = { truth: { isCutOff: false, out: {} }, found: [], problem: null };
  const result = (name: string, certainty: 'likely' | 'proven') => {
    const found = [{ place: 'a:1', certainty, detector: 'growth', count: 4 }];
    const observed = { ...untouched, truth: { isCutOff: false, out: { a: 4 } }, found };
    return resultOf({ ...mutant, names: [name], expected: ['a:1'] }, observed, untouched, new Set(['listener']));
  };
  const totals = (...mutants: ReturnType<typeof result>[]) => totalsOf([{ name: 'a', untouched, mutants }]);

  const good = totals(result('lease', 'proven'), result('listener', 'likely'));
  expect(isGood(good)).toBe(true);
  expect(share(good)).toBe(
    '2 of 2 that leak are found at the exact line (100.0 %), 0 of them only as suspects; proven: 1 of 1 of kinds that proof supports (100.0 %), 50.0 % of all',
  );
  expect(isGood(totals(result('lease', 'likely')))).toBe(false);
  expect(isGood(totals(result('lease', 'proven'), result('listener', 'proven')))).toBe(false);
});

test('each name that a program says is held by nature is one that a line of it acquires', () => {
  const held = programs().filter((program) => program.held.size > 0);
  expect(held.length).toBeGreaterThan(5);
  for (const { name, files, held: names } of held) {
    const known = mutantsOf(files).flatMap((mutant) => mutant.names);
    expect(known, name).toEqual(expect.arrayContaining([...names]));
  }
});

test.each([
  ['main.ts', '--only=nix', /^mutate: there is no program "nix"; there are archive, .*web-clients\.\n$/],
  ['main.ts', '--nix', /^mutate: Unknown option '--nix'.*\n$/],
  ['guards/main.ts', '--only=nix', /^mutate:guards: there is no program "nix"; there are archive, .*web-clients\.\n$/],
  [
    'guards/main.ts',
    '--runner=vitest',
    /^mutate:guards: there is no runner "vitest"; there are node:test, Vitest, .*\.\n$/,
  ],
  ['guards/main.ts', '--rounds=ten', /^mutate:guards: --rounds must be a whole number, not "ten"\.\n$/],
])('%s %s is wrong use: nothing is run, and nothing is called good', (main, argument, sentence) => {
  const program = new URL(`mutation/${main}`, import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, argument], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(sentence);
});
