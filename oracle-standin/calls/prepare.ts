/** Prepares statements in PostgreSQL, settles the types of their parameters, and runs them. */
import { CallFailed, type CallStep, type StepResult } from '../backend/call.ts';
import type { Gateway } from '../backend/gateway.ts';
import { OracleError } from '../errors.ts';
import { namesOf } from '../sql/names.ts';
import type { Parameter, Statement } from '../sql/statement.ts';
import type { ViewName } from '../sql/views.ts';
import { Type } from '../wire/ttc.ts';
import type { BindType, BindValue } from './binds.ts';
import type { Catalogue } from './catalogue.ts';
import { Oid, oracleColumn } from './columns.ts';
import { type Cursor, type Prepared, ROWS_AT_ONCE, Rows } from './cursor.ts';
import type { Lobs } from './lobs.ts';

/** What a bind's own type is in PostgreSQL, where the statement leaves it open. */
const OWN_TYPES: Record<number, number> = {
  [Type.number]: Oid.numeric,
  [Type.binaryInteger]: Oid.numeric,
  [Type.date]: Oid.timestamp,
  [Type.timestamp]: Oid.timestamp,
  [Type.timestampTz]: Oid.timestamptz,
  [Type.timestampLtz]: Oid.timestamptz,
  [Type.raw]: Oid.bytea,
  [Type.longRaw]: Oid.bytea,
  [Type.blob]: Oid.bytea,
  [Type.binaryDouble]: Oid.float8,
  [Type.binaryFloat]: Oid.float4,
  [Type.boolean]: Oid.bool,
  [Type.intervalDaySecond]: Oid.interval,
  [Type.intervalYearMonth]: Oid.interval,
};

const WHOLE: readonly number[] = [Oid.int2, Oid.int4, Oid.int8];

let names = 0;

export class Preparer {
  readonly gateway: Gateway;
  readonly lobs: Lobs;
  readonly #catalogue: Catalogue;
  readonly #view: (name: ViewName) => string;

  constructor(gateway: Gateway, lobs: Lobs, catalogue: Catalogue, view: (name: ViewName) => string) {
    this.gateway = gateway;
    this.lobs = lobs;
    this.#catalogue = catalogue;
    this.#view = view;
  }

  async prepare(cursor: Cursor, statement: Statement): Promise<Prepared> {
    const known = cursor.prepared.get(statement.text);
    if (known) return known;
    const own = statement.parameters.map((parameter) =>
      'view' in parameter ? Oid.json : (OWN_TYPES[cursor.binds[parameter.bind]?.type ?? 0] ?? 0),
    );
    const inferred = statement.parameters.map((parameter) => ('view' in parameter ? Oid.json : 0));
    let prepared: Prepared;
    try {
      prepared = await this.#parse(statement, inferred);
      // text is what PostgreSQL takes when nothing else says what a parameter is
      const open = prepared.parameterTypes.map((type, i) => (type === Oid.text && own[i] ? (own[i] as number) : 0));
      if (open.some((type) => type !== 0)) {
        const first = prepared;
        prepared = await this.#parse(
          statement,
          open.map((type, i) => type || (inferred[i] as number)),
        ).catch(() => first);
        if (prepared !== first) await this.#forget(first);
      }
    } catch (error) {
      if (!own.some((type) => type !== 0)) throw error;
      prepared = await this.#parse(statement, own).catch(() => {
        throw error;
      });
    }
    cursor.prepared.set(statement.text, prepared);
    return prepared;
  }

  async #parse({ text, names: items = [] }: Statement, types: readonly number[]): Promise<Prepared> {
    const name = `s${++names}`;
    const [result] = (await this.gateway.guarded([{ kind: 'prepare', name, text, types }])) as [StepResult];
    const fields = result.fields ?? [];
    const tables = await this.#catalogue.columns(fields, this.gateway);
    const named = namesOf(items, fields.length);
    const columns = fields.map((field, i) => {
      const column = oracleColumn(field, tables.get(field.tableID)?.get(field.columnID));
      return { ...column, name: named[i] ?? column.name };
    });
    return { name, text, types, parameterTypes: result.parameterTypes, columns };
  }

  async #forget(prepared: Prepared): Promise<void> {
    await this.gateway.backend.run([{ kind: 'forget', name: prepared.name }]);
  }

  values(parameters: readonly Parameter[], row: readonly BindValue[]): (string | Buffer | null)[] {
    return parameters.map((parameter) => {
      if ('view' in parameter) return this.#view(parameter.view);
      const value = row[parameter.bind] ?? null;
      if (value === null || typeof value === 'string' || Buffer.isBuffer(value)) return value;
      if ('locator' in value) return this.lobs.content(value.locator);
      throw new OracleError(
        932,
        `inconsistent datatypes: the stand-in knows no ${'cursor' in value ? 'cursors as input' : value.unsupported}`,
      );
    });
  }

  /** As `prepare`, but for these values: a fraction for a whole number makes PostgreSQL compare as numeric. */
  async preparedFor(
    cursor: Cursor,
    statement: Statement,
    rows: readonly (string | Buffer | null)[][],
  ): Promise<Prepared> {
    const prepared = await this.prepare(cursor, statement);
    const fraction = (i: number) => rows.some((row) => typeof row[i] === 'string' && /[.eE]/.test(row[i]));
    const types = prepared.parameterTypes.map((type, i) => (WHOLE.includes(type) && fraction(i) ? Oid.numeric : type));
    if (types.every((type, i) => type === prepared.parameterTypes[i])) return prepared;
    const wider = await this.#parse(statement, types).catch(() => null);
    if (!wider) return prepared;
    await this.#forget(prepared);
    cursor.prepared.set(statement.text, wider);
    return wider;
  }

  async query(cursor: Cursor, statement: Statement, row: readonly BindValue[], locks: boolean): Promise<Rows> {
    const values = this.values(statement.parameters, row);
    const prepared = await this.preparedFor(cursor, statement, [values]);
    cursor.columns = prepared.columns;
    const { gateway } = this;
    const run: CallStep = { kind: 'run', name: prepared.name, values, rows: ROWS_AT_ONCE };
    const [result] = (await (locks ? gateway.changing([run]) : gateway.guarded([run]))) as [StepResult];
    if (!result.more) return new Rows(result.rows, null);
    const name = `c${++names}`;
    const hold = locks ? '' : ' with hold';
    const text = `declare ${name} no scroll cursor${hold} for ${statement.text}`;
    await gateway.guarded([
      { kind: 'prepare', name, text, types: prepared.parameterTypes },
      { kind: 'run', name, values, rows: 0 },
      { kind: 'plain', text: `move forward ${result.rows.length} from ${name}` },
      { kind: 'forget', name },
    ]);
    return new Rows(result.rows, name);
  }

  /** Closes what PostgreSQL holds for it. Never throws. */
  async close(cursor: Cursor): Promise<void> {
    await cursor.rows?.close(this.gateway);
    const steps = [...cursor.prepared.values()].map(({ name }): CallStep => ({ kind: 'forget', name }));
    cursor.prepared.clear();
    if (steps.length > 0) await this.gateway.backend.run(steps).catch(() => {});
  }
}

/** A table has changed since the statement was prepared. */
export function isStale(error: unknown): boolean {
  return error instanceof CallFailed && /cached plan must not change/.test(error.message);
}

export type { BindType };
