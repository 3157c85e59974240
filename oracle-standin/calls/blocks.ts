/** Runs anonymous PL/SQL blocks, a step after the other. */
import { CallFailed, type CallStep } from '../backend/call.ts';
import type { Gateway } from '../backend/gateway.ts';
import { asOracleError, OracleError, oracleError } from '../errors.ts';
import { type Block, EXCEPTIONS, type Handler, type Step } from '../sql/block.ts';
import type { Plan, Planned } from '../sql/plan.ts';
import { Direction } from '../wire/ttc.ts';
import type { BindValue } from './binds.ts';
import { Cursor } from './cursor.ts';
import type { Preparer } from './prepare.ts';
import type { EndToEnd } from './request.ts';

/** What a session can change about itself and others. */
export interface SessionContext {
  describe(values: EndToEnd): void;
  alter(settings: readonly [name: string, value: string][], gateway: Gateway): Promise<void>;
  kill(sid: number, serial: number, disconnect: boolean): void;
}

export type OutValue = string | Cursor | null;

export function directions(block: Block, binds: number): number[] {
  return Array.from({ length: binds }, (_, i) => {
    if (!block.written.has(i)) return Direction.in;
    return block.read.has(i) ? Direction.inOut : Direction.out;
  });
}

/** Oracle's limit of the buffer of DBMS_OUTPUT, bytes. */
const OUTPUT_LIMIT = 1_000_000;

export class BlockRunner {
  readonly #preparer: Preparer;
  readonly #context: SessionContext;
  readonly #user: string;
  readonly #define: (plan: Plan) => Promise<void>;
  #output: string[] | null = null;
  #outputBytes = 0;

  constructor(preparer: Preparer, context: SessionContext, user: string, define: (plan: Plan) => Promise<void>) {
    this.#preparer = preparer;
    this.#context = context;
    this.#user = user;
    this.#define = define;
  }

  /** What it wrote, by bind. An error undoes what the block did before. */
  async run(cursor: Cursor, block: Block, row: BindValue[]): Promise<Map<number, OutValue>> {
    const values = new Map<number, OutValue>();
    for (const bind of block.written) {
      const given = row[bind];
      if (typeof given === 'string') values.set(bind, given);
    }
    await this.#body({ cursor, row: [...row], values }, block);
    return values;
  }

  async #body(run: Run, block: Block): Promise<void> {
    try {
      for (const step of block.steps) await this.#step(run, step, null);
    } catch (error) {
      const oracle = asOracleError(error instanceof CallFailed ? error.cause : error, this.#user);
      const handler = block.handlers.find((one) => handles(one, oracle));
      if (!handler) throw oracle;
      for (const step of handler.steps) await this.#step(run, step, oracle);
    }
  }

  async #step(run: Run, step: Step, handled: OracleError | null): Promise<void> {
    switch (step.kind) {
      case 'block':
        return this.#body(run, step.block);
      case 'raise':
        throw handled ?? new OracleError(6510, 'PL/SQL: unhandled user-defined exception');
      case 'raise-unless':
        if (handled && !step.codes.includes(handled.code)) throw handled;
        return;
      case 'open':
        return this.#open(run, step.cursor, step.plan);
      case 'call':
        return this.#call(run, step);
      case 'sql':
        return this.#sql(run, step.plan, step.into);
    }
  }

  async #sql(run: Run, plan: Plan, into: number[]): Promise<void> {
    if (plan.kind !== 'query' && plan.kind !== 'dml') return this.#define(plan);
    const values = this.#preparer.values(plan.statement.parameters, run.row);
    const prepared = await this.#preparer.preparedFor(run.cursor, plan.statement, [values]);
    const step: CallStep = { kind: 'run', name: prepared.name, values, rows: plan.kind === 'query' ? 2 : 0 };
    const { gateway } = this.#preparer;
    const changes = plan.kind === 'dml' || plan.locks;
    const [result] = changes ? await gateway.changing([step]) : await gateway.guarded([step]);
    if (into.length === 0) return;
    const rows = result?.rows ?? [];
    if (rows.length > 1) throw oracleError(1422);
    if (rows.length === 0 && plan.kind === 'query') throw oracleError(1403);
    for (const [i, bind] of into.entries()) this.#write(run, bind, rows[0]?.[i] ?? null);
  }

  #write(run: Run, bind: number, value: string | null): void {
    run.values.set(bind, value);
    run.row[bind] = value;
  }

  async #open(run: Run, bind: number, plan: Plan): Promise<void> {
    if (plan.kind !== 'query') throw new OracleError(900, 'invalid SQL statement: OPEN needs a query');
    const planned: Planned = { ...plan, binds: 0 };
    const cursor = new Cursor(0, 'REF CURSOR', planned);
    cursor.binds = run.cursor.binds;
    cursor.rows = await this.#preparer.query(cursor, plan.statement, run.row, plan.locks);
    run.values.set(bind, cursor);
  }

  async #call(run: Run, step: Extract<Step, { kind: 'call' }>): Promise<void> {
    if (step.name === 'DBMS_OUTPUT.GET_LINE') {
      const line = this.#output?.shift();
      const [text, status] = step.out;
      if (text != null) this.#write(run, text, line ?? null);
      if (status != null) this.#write(run, status, line === undefined ? '1' : '0');
      return;
    }
    const [first = null, second = null] = await this.#arguments(run, step);
    switch (step.name) {
      case 'DBMS_SESSION.SLEEP':
      case 'DBMS_LOCK.SLEEP':
        return this.#sleep(Number(first));
      case 'DBMS_SESSION.SET_IDENTIFIER':
        return this.#context.describe({ clientIdentifier: first ?? '' });
      case 'DBMS_APPLICATION_INFO.SET_MODULE':
        return this.#context.describe({ module: first ?? '', action: second ?? '' });
      case 'DBMS_APPLICATION_INFO.SET_ACTION':
        return this.#context.describe({ action: first ?? '' });
      case 'DBMS_APPLICATION_INFO.SET_CLIENT_INFO':
        return this.#context.describe({ clientInfo: first ?? '' });
      case 'DBMS_OUTPUT.ENABLE':
        this.#output ??= [];
        return;
      case 'DBMS_OUTPUT.DISABLE':
        this.#output = null;
        return;
      case 'DBMS_OUTPUT.PUT_LINE':
        return this.#put(first ?? '');
      case 'RAISE_APPLICATION_ERROR':
        throw new OracleError(Math.abs(Number(first)), second ?? '');
    }
  }

  async #arguments(run: Run, step: Extract<Step, { kind: 'call' }>): Promise<(string | null)[]> {
    if (step.values.text.trim() === 'select') return [];
    const values = this.#preparer.values(step.values.parameters, run.row);
    const prepared = await this.#preparer.preparedFor(run.cursor, step.values, [values]);
    const [result] = await this.#preparer.gateway.guarded([{ kind: 'run', name: prepared.name, values, rows: 0 }]);
    return result?.rows[0] ?? [];
  }

  /** In PostgreSQL, so that the backend is busy too, and a break ends it. */
  async #sleep(seconds: number): Promise<void> {
    if (!(seconds >= 0)) throw new OracleError(6502, 'PL/SQL: numeric or value error');
    await this.#preparer.gateway.guarded([{ kind: 'plain', text: `select pg_sleep(${seconds})` }]);
  }

  #put(text: string): void {
    if (!this.#output) return;
    if (this.#output.length === 0) this.#outputBytes = 0;
    this.#outputBytes += Buffer.byteLength(text);
    if (this.#outputBytes > OUTPUT_LIMIT)
      throw new OracleError(20000, 'ORU-10027: buffer overflow, limit of 1000000 bytes');
    this.#output.push(text);
  }
}

interface Run {
  cursor: Cursor;
  row: BindValue[];
  values: Map<number, OutValue>;
}

function handles({ names }: Handler, { code }: OracleError): boolean {
  return names.some((name) => name === 'OTHERS' || EXCEPTIONS[name] === code);
}
