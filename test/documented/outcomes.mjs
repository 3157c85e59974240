import { once } from 'node:events';

/** The error that `work` throws or rejects with. */
export async function errorOf(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('It was to fail.');
}

/** What `work` gives, or the error that it fails with. */
export async function outcomeOf(work) {
  try {
    return await work();
  } catch (error) {
    return error;
  }
}

/** What a function of a callback calls it with; its error as the first of them. */
export function answers(call) {
  return new Promise((resolve) => {
    call((...values) => resolve(values));
  });
}

/** The names of events in the order in which they are emitted from now on. */
export function emitted(emitter, ...names) {
  const seen = [];
  for (const name of names) emitter.on(name, () => seen.push(name));
  return seen;
}

/** What a callback is called on. */
export function thisOf(call) {
  return new Promise((resolve) => {
    call(function answered() {
      resolve(this);
    });
  });
}

/** All that a stream gives until it ends or fails. */
export async function readAll(stream) {
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  const [error] = await Promise.race([once(stream, 'end'), once(stream, 'error').catch((failed) => [failed])]);
  return error ?? chunks;
}

/** Names of own properties, which a probe could add to. */
export const ownOf = (object) => Object.keys(object).toSorted();
