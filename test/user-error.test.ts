/** One class for what a person can put right, although the probe's bundles have copies of it. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';
import { explain } from '../cli/usage.ts';
import { DatabaseUnavailable } from '../pipeline/store/store.ts';
import { UserError } from '../user-error.ts';
import { ROOT } from './support/probed.ts';

const errorOf = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return error;
  }
};

test('an error of a copy of the class, as a bundle has one, is a UserError too', () => {
  const { writeReport } = createRequire(import.meta.url)(path.join(ROOT, 'dist/probe/recording/build-report.js'));
  const error = errorOf(() => writeReport('/no/such/folder')) as Error;
  expect(error.constructor).not.toBe(UserError);
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ name: 'UserError', message: 'There is no folder /no/such/folder.' });
});

test('other errors are none, and a kind of UserError has its own instances alone', () => {
  expect(new Error('a bug')).not.toBeInstanceOf(UserError);
  expect(new DatabaseUnavailable('none there')).toBeInstanceOf(UserError);
  expect(new UserError('no such file')).not.toBeInstanceOf(DatabaseUnavailable);
});

test('a full disk is told in a sentence, a bug with its stack', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(explain(full)).toBe('The disk is full (ENOSPC): not all that was found could be written.');
  expect(explain(new TypeError('x is not a function'))).toBeNull();
});
