/** A handful of the mutants that `npm run mutate:guards` makes of suites of tests. */
import { expect, test } from 'vitest';
import { type Suite, tell } from './mutation/guards/suites.ts';
import { mutantsOf } from './mutation/mutate.ts';
import { programs } from './mutation/workbench.ts';
import './setup/built.ts';

test.each(['node:test', 'Vitest', 'Mocha'])(
  '%s: without its release a test fails, at the line, and the one beside it passes',
  async (runner) => {
    const all = programs();
    const [program, innocent] = ['transcoder', 'message-bus'].map((name) => all.find((each) => each.name === name)!);
    const mutants = mutantsOf(program!.files).filter(({ mutation }) => mutation === 'deleted');
    const suites = [null, ...mutants].map(
      (mutant): Suite => ({ program: program!, mutant, innocent: innocent!, hangs: mutant !== null }),
    );

    const told = await tell(runner, suites, {});
    const places = told.map(({ found }) => found.map(({ place }) => place));
    expect(places).toEqual([[], ...mutants.map(({ expected }) => expected)]);
    expect(told.map(({ problem }) => problem)).toEqual([null, ...mutants.map(() => null)]);
  },
);
