/** A small run of `npm run fuzz`. */
import { expect, test } from 'vitest';
import { FORMATS } from '../cli/formats.ts';
import { answerOf, linesOf, orderOf } from '../probe/control/protocol.ts';
import { mask, maskArguments } from '../probe/recording/mask.ts';
import { sqlShape } from '../probe/recording/sql-shape.ts';
import { reportRun } from '../reports/run.ts';
import { fuzz } from '../tools/fuzz/fuzz.ts';
import { UserError } from '../user-error.ts';

const subject = { mask, maskArguments, sqlShape, reportRun, FORMATS, UserError, linesOf, orderOf, answerOf };

test('no file, statement or text of a thousand makes a crash or shows a secret', () => {
  expect(fuzz(subject, { seed: 1, cases: 2000 })).toEqual([]);
});

test('what fails is told with its seed, which gives the same case again', () => {
  const careless = { ...subject, sqlShape: (statement: string) => statement };
  const [first, ...others] = fuzz(careless, { seed: 1, cases: 2000, limit: 3 });
  expect(others).toHaveLength(2);
  expect(first).toMatchObject({ of: 'statements' });
  expect(fuzz(careless, { seed: first!.seed, cases: 1, limit: 1 })).toEqual([first]);
});
