/**
 * What becomes of a promise, told before its caller hears of it. To listen to the promise itself would make a rejection
 * handled that is not, so the caller gets another one; by `await`, which leaves the caller in the stack of an error.
 */
import { guarded, type Part } from './lapses.ts';

export async function hearing<Value>(
  part: Part,
  promise: Promise<Value>,
  resolved: (value: Value) => void,
  rejected: () => void,
): Promise<Value> {
  let value: Value;
  try {
    value = await promise;
  } catch (error) {
    guarded(part, rejected);
    throw error;
  }
  guarded(part, resolved, value);
  return value;
}
