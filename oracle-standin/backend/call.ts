/** One exchange with a PostgreSQL backend: any number of steps, sent at once, answered at once. */
import type { Submittable } from 'pg';

export interface Field {
  name: string;
  tableID: number;
  columnID: number;
  dataTypeID: number;
  dataTypeModifier: number;
}

export type CallStep =
  /** Runs a text without parameters. */
  | { kind: 'plain'; text: string }
  /** `types`: object identifiers, 0 for those that PostgreSQL shall infer. */
  | { kind: 'prepare'; name: string; text: string; types: readonly number[] }
  /** `rows`: at most so many; 0 for all. */
  | { kind: 'run'; name: string; values: readonly (string | Buffer | null)[]; rows: number }
  | { kind: 'forget'; name: string };

export interface StepResult {
  rows: (string | null)[][];
  /** Rows touched, of a `run`. */
  count: number;
  /** There are more rows than were asked for. */
  more: boolean;
  /** Of a `prepare`: the columns, null when it gives none, and the types of its parameters. */
  fields: Field[] | null;
  parameterTypes: readonly number[];
}

/** The part of pg's Connection that is used here; its types leave it out. */
export interface Wire {
  stream: { cork(): void; uncork(): void };
  parse(query: { name: string; text: string; types: readonly number[] }): void;
  bind(config: { statement: string; values: readonly unknown[] }): void;
  describe(what: { type: 'S'; name: string }): void;
  execute(config: { rows?: number; portal?: string }): void;
  close(what: { type: 'S'; name: string }): void;
  sync(): void;
}

export class CallFailed extends Error {
  /** How many steps had succeeded. */
  readonly done: number;
  declare cause: Error;

  constructor(cause: Error, done: number) {
    super(cause.message, { cause });
    this.done = done;
  }
}

const emptyResult = (): StepResult => ({ rows: [], count: 0, more: false, fields: null, parameterTypes: [] });

/** Runs through pg's queue: `client.query(call)`. */
export class Call implements Submittable {
  readonly results: StepResult[];
  readonly #steps: readonly CallStep[];
  #at = 0;
  #error: Error | null = null;
  readonly #settle: (error: CallFailed | null) => void;

  constructor(steps: readonly CallStep[], settle: (error: CallFailed | null) => void) {
    this.#steps = steps;
    this.#settle = settle;
    this.results = steps.map(emptyResult);
    this.#skipSilent();
  }

  submit(connection: unknown): void {
    const wire = connection as Wire;
    wire.stream.cork();
    try {
      for (const step of this.#steps) this.#send(step, wire);
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
  }

  #send(step: CallStep, wire: Wire): void {
    switch (step.kind) {
      case 'plain':
        wire.parse({ name: '', text: step.text, types: [] });
        wire.bind({ statement: '', values: [] });
        wire.execute({});
        break;
      case 'prepare':
        wire.parse(step);
        wire.describe({ type: 'S', name: step.name });
        break;
      case 'run':
        wire.bind({ statement: step.name, values: step.values });
        wire.execute(step.rows > 0 ? { rows: step.rows } : {});
        break;
      case 'forget':
        wire.close({ type: 'S', name: step.name });
        break;
    }
  }

  /** Steps whose end is not told: they are over as soon as the one before is. */
  #skipSilent(): void {
    while (this.#steps[this.#at]?.kind === 'forget') this.#at++;
  }

  #end(): void {
    this.#at++;
    this.#skipSilent();
  }

  get #result(): StepResult | undefined {
    return this.results[this.#at];
  }

  handleParameters(types: readonly number[]): void {
    if (this.#result) this.#result.parameterTypes = types;
  }

  handleRowDescription(message: { fields: Field[] }): void {
    if (this.#result) this.#result.fields = message.fields;
    this.#end();
  }

  handleNoData(): void {
    this.#end();
  }

  handleDataRow(message: { fields: (string | null)[] }): void {
    this.#result?.rows.push(message.fields);
  }

  handlePortalSuspended(): void {
    if (this.#result) this.#result.more = true;
    this.#end();
  }

  handleEmptyQuery(): void {
    this.#end();
  }

  handleCommandComplete(message: { text: string }): void {
    const count = / (\d+)$/.exec(message.text)?.[1];
    if (this.#result) this.#result.count = Number(count ?? 0);
    this.#end();
  }

  /** PostgreSQL skips the other steps; the call has ended when it is ready again, or gone: see `ended`. */
  handleError(error: Error): void {
    this.#error = error;
  }

  get failed(): boolean {
    return this.#error !== null;
  }

  handleReadyForQuery(): void {
    this.ended();
  }

  /** To be told of the end of a call that failed: pg tells nobody. `error`: why PostgreSQL is gone. */
  ended(error?: Error): void {
    const cause = this.#error ?? error;
    this.#settle(cause ? new CallFailed(cause, this.#at) : null);
  }
}
