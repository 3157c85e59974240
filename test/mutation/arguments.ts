/** What both commands are told: wrong use is one sentence on stderr, and exit code 2. */
import { UserError } from '../../user-error.ts';

export class Arguments {
  readonly #command: string;

  constructor(command: string) {
    this.#command = command;
  }

  /** What `parse` returns, which throws as `parseArgs` of node:util does. */
  read<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      return this.wrong((error as Error).message.split('\n')[0]!);
    }
  }

  /** Those of `all` that are named; all where none is. */
  chosen<T extends { name: string }>(all: readonly T[], names: readonly string[], what: string): T[] {
    const unknown = names.find((name) => !all.some((each) => each.name === name));
    if (unknown !== undefined) {
      this.wrong(`there is no ${what} "${unknown}"; there are ${all.map(({ name }) => name).join(', ')}.`);
    }
    return all.filter(({ name }) => names.length === 0 || names.includes(name));
  }

  /** What `work` comes to, unless a person has to put something right first. */
  async done<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof UserError) this.wrong(error.message);
      throw error;
    }
  }

  wrong(sentence: string): never {
    process.stderr.write(`${this.#command}: ${sentence}\n`);
    process.exit(2);
  }
}
