/** Runs what a session asks for, and writes the answers. */
import { CallFailed, type CallStep } from '../backend/call.ts';
import { asOracleError, type OracleError, oracleError } from '../errors.ts';
import { type Dml, type Plan, plan } from '../sql/plan.ts';
import { type Dialect, Message, Option, Type } from '../wire/ttc.ts';
import type { Writer } from '../wire/writer.ts';
import { type BindType, type BindValue, readBindRow } from './binds.ts';
import { BlockRunner, directions, type SessionContext } from './blocks.ts';
import type { Catalogue } from './catalogue.ts';
import type { Column } from './columns.ts';
import { Cursor } from './cursor.ts';
import { isStale, type Preparer } from './prepare.ts';
import {
  type Outcome,
  writeColumns,
  writeDescription,
  writeDirections,
  writeOutcome,
  writeRowCounts,
  writeRowHeader,
} from './reply.ts';
import type { ExecuteRequest, Request } from './request.ts';
import { isLob, writeBindValue, writeColumnValue } from './values.ts';

export interface ExecutorOptions {
  preparer: Preparer;
  catalogue: Catalogue;
  dialect: Dialect;
  context: SessionContext;
  user: string;
  openCursors: number;
  /** Minutes east of UTC. */
  timeZone: number;
}

interface Execution {
  cursor: Cursor;
  rows: BindValue[][];
  /** To send with the answer, of a query. */
  wanted: number;
  describe: boolean;
  commit: boolean;
  batchErrors: boolean;
  rowCounts: boolean;
}

export class Executor {
  readonly cursors = new Map<number, Cursor>();
  #last = 0;
  readonly #options: ExecutorOptions;
  readonly #blocks: BlockRunner;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#blocks = new BlockRunner(options.preparer, options.context, options.user, (plan) => this.#define(plan));
  }

  get #inTransaction(): boolean {
    return this.#options.preparer.gateway.inTransaction;
  }

  #end(writer: Writer, outcome: Omit<Outcome, 'inTransaction'>): void {
    writeOutcome(writer, this.#options.dialect, { inTransaction: this.#inTransaction, ...outcome });
  }

  async run(request: Extract<Request, { kind: 'execute' | 'reexecute' | 'fetch' }>, writer: Writer): Promise<void> {
    switch (request.kind) {
      case 'fetch':
        return this.#fetch(this.#cursor(request.cursor), request.rows, writer);
      case 'reexecute': {
        const cursor = this.#cursor(request.cursor);
        return this.#execute(
          {
            cursor,
            rows: this.#readRows(cursor, request, true),
            wanted: request.rows,
            describe: false,
            commit: request.commit,
            batchErrors: false,
            rowCounts: false,
          },
          writer,
        );
      }
      case 'execute':
        return this.#fullExecute(request, writer);
    }
  }

  #cursor(id: number): Cursor {
    const cursor = this.cursors.get(id);
    if (!cursor) throw oracleError(1001);
    return cursor;
  }

  async #fullExecute(request: ExecuteRequest, writer: Writer): Promise<void> {
    const has = (option: number) => (request.options & option) !== 0;
    if (request.defines) {
      const cursor = this.#cursor(request.cursor);
      cursor.defines = request.defines;
      return this.#end(writer, { cursor: cursor.id });
    }
    const known = request.cursor !== 0 && request.sql === null;
    if (known && !has(Option.execute)) return this.#fetch(this.#cursor(request.cursor), request.rows, writer);
    if (!known && request.cursor !== 0) await this.close(request.cursor);
    const cursor = known ? this.#cursor(request.cursor) : this.#open(request.sql ?? '');
    try {
      if (request.binds) this.#rebind(cursor, request.binds);
      if (has(Option.describe) || !has(Option.execute)) return await this.#describe(cursor, writer);
      await this.#execute(
        {
          cursor,
          rows: this.#readRows(cursor, { iterations: request.iterations, values: request.values }, false),
          wanted: has(Option.fetch) ? request.rows : 0,
          describe: has(Option.parse),
          commit: has(Option.commit),
          batchErrors: has(Option.batchErrors),
          rowCounts: request.rowCounts,
        },
        writer,
      );
    } catch (error) {
      // the client is told cursor 0 and will never close it
      if (!known) await this.close(cursor.id);
      throw error;
    }
  }

  #open(sql: string): Cursor {
    if (this.cursors.size >= this.#options.openCursors) throw oracleError(1000);
    const cursor = new Cursor(++this.#last, sql, plan(sql));
    this.cursors.set(cursor.id, cursor);
    return cursor;
  }

  async close(id: number): Promise<void> {
    const cursor = this.cursors.get(id);
    if (!cursor) return;
    this.cursors.delete(id);
    await this.#options.preparer.close(cursor);
  }

  /** Drops the rows that are left. */
  async cancel(id: number): Promise<void> {
    const cursor = this.cursors.get(id);
    await cursor?.rows?.close(this.#options.preparer.gateway);
    if (cursor) cursor.rows = null;
  }

  #rebind(cursor: Cursor, binds: BindType[]): void {
    const changed = binds.some((bind, i) => bind.type !== cursor.binds[i]?.type);
    cursor.binds = binds;
    if (changed) cursor.prepared.clear();
  }

  /** Values of all binds per iteration; those that the statement only writes to are not sent. */
  #readRows(
    cursor: Cursor,
    { iterations, values }: Pick<ExecuteRequest, 'iterations' | 'values'>,
    again: boolean,
  ): BindValue[][] {
    const { planned, binds } = cursor;
    const unsent = (i: number) =>
      planned.kind === 'dml' ? planned.into.includes(i) : again && cursor.directions[i] === 16;
    const sent = binds.map((_, i) => i).filter((i) => !unsent(i));
    const types = sent.map((i) => binds[i] as BindType);
    const count = planned.kind === 'query' ? 1 : Math.max(1, iterations);
    const rows: BindValue[][] = [];
    for (let k = 0; k < count; k++) {
      const row = new Array<BindValue>(binds.length).fill(null);
      if (values.left > 0 && types.length > 0) {
        if (values.u8() !== Message.rowData) throw oracleError(1008);
        const read = readBindRow(values, types, planned.kind === 'block', this.#options.timeZone);
        read.forEach((value, j) => {
          row[sent[j] as number] = value;
        });
      }
      rows.push(row);
    }
    return rows;
  }

  async #describe(cursor: Cursor, writer: Writer): Promise<void> {
    const { planned } = cursor;
    if (planned.kind === 'query' || planned.kind === 'dml') {
      const { columns } = await this.#options.preparer.prepare(cursor, planned.statement);
      if (planned.kind === 'query') {
        cursor.columns = columns;
        this.#writeDescription(cursor, writer);
      }
    }
    this.#end(writer, { cursor: cursor.id });
  }

  #writeDescription(cursor: Cursor, writer: Writer): void {
    cursor.described = cursor.columns;
    writeDescription(writer, this.#options.dialect, cursor.columns);
  }

  async #execute(execution: Execution, writer: Writer): Promise<void> {
    try {
      await this.#executeOnce(execution, writer);
    } catch (error) {
      if (!isStale(error)) throw error;
      execution.cursor.prepared.clear();
      await this.#executeOnce(execution, writer);
    }
  }

  async #executeOnce(execution: Execution, writer: Writer): Promise<void> {
    const { cursor, rows, commit } = execution;
    const { planned } = cursor;
    const { preparer } = this.#options;
    switch (planned.kind) {
      case 'query': {
        await cursor.rows?.close(preparer.gateway);
        cursor.rows = null;
        if (planned.wait !== null) await preparer.gateway.within(`set local lock_timeout = '${planned.wait}s'`);
        cursor.rows = await preparer.query(cursor, planned.statement, rows[0] ?? [], planned.locks);
        if (commit && this.#inTransaction) await preparer.gateway.commit();
        if (execution.describe || !sameColumns(cursor.columns, cursor.described))
          this.#writeDescription(cursor, writer);
        const undefinedLobs = cursor.defines === null && cursor.columns.some(({ type }) => isLob(type));
        if (undefinedLobs || execution.wanted === 0) return this.#end(writer, { cursor: cursor.id });
        return this.#sendRows(cursor, execution.wanted, writer);
      }
      case 'dml':
        return this.#change(execution, planned, writer);
      case 'block': {
        cursor.directions = directions(planned.block, cursor.binds.length);
        const outs = cursor.directions.map((direction, i) => (direction === 32 ? -1 : i)).filter((i) => i >= 0);
        if (outs.length > 0) writeDirections(writer, cursor.directions);
        for (const row of rows) {
          const values = await this.#blocks.run(cursor, planned.block, row);
          if (outs.length > 0) writer.u8(Message.rowData);
          for (const i of outs) this.#writeOut(writer, values.get(i) ?? null, cursor.binds[i] as BindType);
        }
        if (commit) await preparer.gateway.commit();
        return this.#end(writer, { cursor: cursor.id, rowCount: 0 });
      }
      default:
        await this.#define(planned);
        if (commit && this.#inTransaction) await preparer.gateway.commit();
        return this.#end(writer, { cursor: cursor.id });
    }
  }

  #writeOut(writer: Writer, value: string | Cursor | null, bind: BindType): void {
    if (bind.type !== Type.cursor) {
      writeBindValue(writer, value instanceof Cursor ? null : value, bind, this.#options.preparer.lobs);
      return;
    }
    if (!(value instanceof Cursor)) {
      writer.u8(0).u8(0);
      return;
    }
    const cursor = new Cursor(++this.#last, value.sql, value.planned);
    Object.assign(cursor, { columns: value.columns, described: value.columns, rows: value.rows });
    this.cursors.set(cursor.id, cursor);
    writer.u8(1);
    writeColumns(writer, this.#options.dialect, cursor.columns);
    writer.ub(cursor.id).u8(0);
  }

  async #change({ cursor, rows, commit, batchErrors, rowCounts }: Execution, dml: Dml, writer: Writer): Promise<void> {
    const { preparer } = this.#options;
    const values = rows.map((row) => preparer.values(dml.statement.parameters, row));
    const prepared = await preparer.preparedFor(cursor, dml.statement, values);
    const runs = values.map((row): CallStep => ({ kind: 'run', name: prepared.name, values: row, rows: 0 }));
    const { results, errors } = await preparer.gateway.changingMany(runs, commit, batchErrors);
    if (dml.into.length > 0) {
      for (const result of results) {
        writer.u8(Message.rowData);
        dml.into.forEach((bind, k) => {
          writer.ub(result.rows.length);
          for (const row of result.rows) this.#writeOut(writer, row[k] ?? null, cursor.binds[bind] as BindType);
        });
      }
    }
    const counts = results.map((result) => result.count);
    if (rowCounts) writeRowCounts(writer, counts);
    this.#end(writer, {
      cursor: cursor.id,
      rowCount: counts.reduce((sum, count) => sum + count, 0),
      batchErrors: errors,
    });
  }

  /** Everything that neither gives rows nor counts them. */
  async #define(planned: Plan): Promise<void> {
    const { preparer, catalogue, context } = this.#options;
    const { gateway } = preparer;
    switch (planned.kind) {
      case 'commit':
        return gateway.commit();
      case 'rollback':
        return gateway.rollback();
      case 'transaction':
        return gateway.within(planned.text);
      case 'ddl':
        catalogue.forget();
        await gateway.define(planned.texts);
        return catalogue.forget();
      case 'alter-session':
        return context.alter(planned.settings, gateway);
      case 'kill':
        return context.kill(planned.sid, planned.serial, planned.disconnect);
    }
  }

  async #fetch(cursor: Cursor, count: number, writer: Writer): Promise<void> {
    if (!cursor.rows) throw oracleError(1002);
    await this.#sendRows(cursor, count, writer);
  }

  async #sendRows(cursor: Cursor, count: number, writer: Writer): Promise<void> {
    const { preparer } = this.#options;
    const rows = cursor.rows!;
    const some = await rows.next(Math.max(1, count), preparer.gateway);
    if (some.length > 0) writeRowHeader(writer, cursor.columns.length);
    for (const row of some) {
      writer.u8(Message.rowData);
      cursor.columns.forEach((column, i) => {
        writeColumnValue(writer, row[i] ?? null, column, cursor.defines?.[i], preparer.lobs);
      });
    }
    // the driver asks once more after a full answer, as it does of Oracle
    const noMoreRows = rows.done && some.length < Math.max(1, count);
    this.#end(writer, { cursor: cursor.id, rowCount: rows.fetched, noMoreRows });
  }

  /** What a call ended with, as the client gets it. */
  error(error: unknown): OracleError {
    return asOracleError(error instanceof CallFailed ? error.cause : error, this.#options.user);
  }
}

/** As far as the client reads them by: other binds can give other types. */
function sameColumns(columns: readonly Column[], described: readonly Column[]): boolean {
  return columns.length === described.length && columns.every(({ type }, i) => type === described[i]?.type);
}
