/** The messages of an answer. */
import type { OracleError } from '../errors.ts';
import { CallStatus, type Dialect, Message, Type } from '../wire/ttc.ts';
import type { Writer } from '../wire/writer.ts';
import { type Column, isCharacter } from './columns.ts';

const UTF8 = 873;
const MAX_MESSAGE = 0x7fff_ffff;

/** A call that has no more to say than that it is done. */
export function writeStatus(writer: Writer, inTransaction: boolean): void {
  writer
    .u8(Message.status)
    .ub(inTransaction ? CallStatus.transaction : 0)
    .ub(0);
}

export interface Outcome {
  inTransaction: boolean;
  /** 0 after an error: any other would make the driver close that cursor. */
  cursor?: number;
  rowCount?: number;
  error?: OracleError | null;
  /** There are no more rows: a number of its own, which the driver keeps to itself. */
  noMoreRows?: boolean;
  batchErrors?: readonly { offset: number; error: OracleError }[];
}

const NO_MORE_ROWS = 1403;
const BATCH_ERRORS = 24381;

/** Ends an answer, in success as well: its number is 0 then. */
export function writeOutcome(writer: Writer, { fieldVersion }: Dialect, outcome: Outcome): void {
  const { error = null, noMoreRows = false, batchErrors = [], rowCount = 0 } = outcome;
  const number = error?.code ?? (batchErrors.length > 0 ? BATCH_ERRORS : noMoreRows ? NO_MORE_ROWS : 0);
  const text =
    error?.message ??
    (number === 0 ? '' : number === NO_MORE_ROWS ? 'ORA-01403: no data found' : 'ORA-24381: error(s) in array DML');
  writer.u8(Message.error).ub(outcome.inTransaction ? CallStatus.transaction : 0);
  writer.ub(0).ub(0).ub(Math.min(number, 0xffff)).ub(0).ub(0);
  writer.ub(error ? 0 : (outcome.cursor ?? 0));
  writer.ub(Math.min(error?.at ?? 0, 0x7fff));
  writer.zeros(6); // type of statement … warning
  writer.zeros(5); // rowid
  writer.zeros(6); // error of the operating system … logical rowid
  writer.ub(batchErrors.length);
  if (batchErrors.length > 0) writer.u8(1);
  for (const batch of batchErrors) writer.ub(batch.error.code);
  writer.ub(batchErrors.length);
  if (batchErrors.length > 0) writer.u8(1);
  for (const batch of batchErrors) writer.ub(batch.offset);
  writer.ub(batchErrors.length);
  if (batchErrors.length > 0) writer.u8(1);
  for (const batch of batchErrors) {
    const message = Buffer.from(`${batch.error.message}\n`);
    writer.ub(message.length).sized(message).zeros(2);
  }
  writer.ub(number).ub(rowCount);
  if (fieldVersion >= 14) writer.ub(0).ub(0);
  if (number !== 0) writer.sized(Buffer.from(`${text}\n`));
}

export function writeDescription(writer: Writer, dialect: Dialect, columns: readonly Column[]): void {
  writer.u8(Message.describe).sized(null);
  writeColumns(writer, dialect, columns);
}

/** Also within a value that is a cursor. */
export function writeColumns(writer: Writer, { fieldVersion }: Dialect, columns: readonly Column[]): void {
  const size = columns.reduce((sum, column) => sum + column.maxSize, 0);
  writer.ub(Math.min(size, MAX_MESSAGE)).ub(columns.length);
  if (columns.length > 0) writer.u8(1);
  columns.forEach((column, i) => {
    const character = isCharacter(column.type);
    writer.u8(column.type, 0, column.precision & 0xff, column.scale & 0xff).ub(column.maxSize);
    writer.ub(0).ub(0).ub(0).ub(0);
    writer.ub(character ? UTF8 : 0).u8(character ? 1 : 0);
    writer.ub(character && column.type !== Type.clob ? column.maxSize : 0);
    if (fieldVersion >= 8) writer.ub(0);
    writer.u8(column.nullable ? 1 : 0, Math.min(Buffer.byteLength(column.name), 255));
    writer.text(column.name).text('').text('');
    writer.ub(i + 1).ub(0);
    if (fieldVersion >= 17) writer.ub(0).ub(0);
    if (fieldVersion >= 20) writer.ub(0);
    if (fieldVersion >= 24) writer.ub(0).u8(0, 0);
  });
  writer.zeros(6); // current date …
}

export function writeRowHeader(writer: Writer, columns: number): void {
  writer.u8(Message.rowHeader, 0).ub(columns).ub(0).ub(1).ub(0).ub(0).ub(0);
}

export function writeRowCounts(writer: Writer, counts: readonly number[]): void {
  writer.u8(Message.parameter).zeros(4).ub(counts.length);
  for (const count of counts) writer.ub(count);
}

export function writeDirections(writer: Writer, directions: readonly number[]): void {
  const count = directions.length;
  writer
    .u8(Message.ioVector, 0)
    .ub(count % 256)
    .ub(count >> 8)
    .zeros(4)
    .u8(...directions);
}
