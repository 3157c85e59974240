/**
 * Oracle's rules of transactions on a PostgreSQL backend: the first change opens one, an error undoes its statement
 * only, a SELECT alone opens none.
 */
import { asOracleError, type OracleError } from '../errors.ts';
import type { Backend } from './backend.ts';
import { CallFailed, type CallStep, type StepResult } from './call.ts';

const BEGIN: CallStep = { kind: 'plain', text: 'begin' };
const SAVE: CallStep = { kind: 'plain', text: 'savepoint standin' };
const RELEASE: CallStep = { kind: 'plain', text: 'release savepoint standin' };
const UNDO: CallStep = { kind: 'plain', text: 'rollback to savepoint standin' };
const COMMIT: CallStep = { kind: 'plain', text: 'commit' };
const ROLLBACK: CallStep = { kind: 'plain', text: 'rollback' };

export interface Changes {
  /** Per iteration. */
  results: StepResult[];
  errors: { offset: number; error: OracleError }[];
}

export type Ended = 'commits' | 'rollbacks';

export class Gateway {
  readonly backend: Backend;
  readonly #user: string;
  readonly #ended: (how: Ended) => void;

  /** `ended` is told of each transaction. */
  constructor(backend: Backend, user: string, ended: (how: Ended) => void) {
    this.backend = backend;
    this.#user = user;
    this.#ended = ended;
  }

  get inTransaction(): boolean {
    return this.backend.inTransaction;
  }

  /** Runs steps so that their error costs the transaction nothing but them. Throws `CallFailed`. */
  async guarded(steps: readonly CallStep[], after: readonly CallStep[] = []): Promise<StepResult[]> {
    if (!this.inTransaction) {
      const results = await this.backend.run([...steps, ...after]);
      return results.slice(0, steps.length);
    }
    try {
      const results = await this.backend.run([SAVE, ...steps, RELEASE, ...after]);
      return results.slice(1, steps.length + 1);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      // an error of the commit has rolled back everything already
      if (this.inTransaction) await this.backend.run([UNDO, RELEASE]);
      throw new CallFailed(error.cause, Math.max(0, error.done - 1));
    }
  }

  /** The same, within a transaction that begins here if there is none. */
  async changing(steps: readonly CallStep[], commit = false): Promise<StepResult[]> {
    const results = await this.#changing(steps, commit);
    if (commit) this.#ended('commits');
    return results;
  }

  async #changing(steps: readonly CallStep[], commit: boolean): Promise<StepResult[]> {
    if (this.inTransaction) return this.guarded(steps, commit ? [COMMIT] : []);
    if (commit) return this.backend.run(steps);
    try {
      return (await this.backend.run([BEGIN, ...steps])).slice(1);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (this.inTransaction) await this.backend.run([ROLLBACK]);
      throw new CallFailed(error.cause, Math.max(0, error.done - 1));
    }
  }

  /**
   * One statement with many rows of binds. What succeeded before an error stays, as in Oracle; with `batchErrors` the
   * others follow, and the errors are a result.
   */
  async changingMany(runs: readonly CallStep[], commit: boolean, batchErrors: boolean): Promise<Changes> {
    if (runs.length === 1 && !batchErrors) return { results: await this.changing(runs, commit), errors: [] };
    const done: Changes = { results: [], errors: [] };
    for (let from = 0; from < runs.length; ) {
      const rest = runs.slice(from);
      try {
        done.results.push(...(await this.changing(rest)));
        break;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        const good = Math.min(error.done, rest.length);
        if (good > 0) done.results.push(...(await this.changing(rest.slice(0, good))));
        if (!batchErrors) throw error;
        done.errors.push({ offset: from + good, error: asOracleError(error.cause, this.#user) });
        done.results.push({ rows: [], count: 0, more: false, fields: null, parameterTypes: [] });
        from += good + 1;
      }
    }
    if (commit && this.inTransaction && done.errors.length === 0) await this.commit();
    return done;
  }

  async commit(): Promise<void> {
    if (!this.inTransaction) return;
    await this.backend.run([COMMIT]);
    this.#ended('commits');
  }

  async rollback(): Promise<void> {
    if (!this.inTransaction) return;
    await this.backend.run([ROLLBACK]);
    this.#ended('rollbacks');
  }

  /** As it stands, within a transaction: for savepoints, whose own guard would undo them. */
  async within(text: string): Promise<void> {
    if (!this.inTransaction) await this.backend.run([BEGIN]);
    const undoable = !/^\s*(savepoint|rollback)\b/i.test(text);
    if (undoable) await this.guarded([{ kind: 'plain', text }]);
    else await this.backend.run([{ kind: 'plain', text }]);
  }

  /** Commits what is open first, as Oracle does. */
  async define(texts: readonly string[]): Promise<void> {
    await this.commit();
    await this.backend.run(texts.map((text) => ({ kind: 'plain', text })));
  }
}
