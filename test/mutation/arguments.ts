/** What both commands are told: wrong use is one sentence on stderr, and exit code 2. */
import { UserError } from '../../user-error.ts';

/** What `work` comes to, unless a person has to put something right first: then the process ends. */
export async function done<T>(command: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${command}: ${error.message}\n`);
    process.exit(2);
  }
}

/** Those of `all` that are named; all where none is. Throws `UserError`. */
export function chosenOf<T extends { name: string }>(all: readonly T[], names: readonly string[], what: string): T[] {
  const unknown = names.find((name) => !all.some((each) => each.name === name));
  if (unknown !== undefined) {
    throw new UserError(`there is no ${what} "${unknown}"; there are ${all.map(({ name }) => name).join(', ')}.`);
  }
  return all.filter(({ name }) => names.length === 0 || names.includes(name));
}
