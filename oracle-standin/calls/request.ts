/** Decodes one whole request after the logon: what rides along (piggybacks), then the call itself. */
import { MalformedPacket, Reader } from '../wire/reader.ts';
import { Call, type Dialect, EXEC_ROW_COUNTS, Message, Option, REEXECUTE_COMMIT, REFUSED } from '../wire/ttc.ts';
import { type BindType, readBindTypes } from './binds.ts';
import { type LobRequest, readLob } from './lob-request.ts';

/** What a session tells about its work; all of it shows in `v$session`. */
export interface EndToEnd {
  clientIdentifier?: string;
  module?: string;
  action?: string;
  clientInfo?: string;
}

export type Piggyback =
  | { kind: 'close-cursors' | 'cancel-cursors'; cursors: number[] }
  | { kind: 'end-to-end'; values: EndToEnd }
  | { kind: 'set-schema'; schema: string }
  | { kind: 'free-lobs'; locators: Buffer }
  | { kind: 'context' };

export interface ExecuteRequest {
  kind: 'execute';
  /** Bits of `Option`. */
  options: number;
  /** 0: a new one. */
  cursor: number;
  /** Null: that of the cursor. */
  sql: string | null;
  /** Rows to send at once, for a query. */
  rows: number;
  /** Of a statement that is no query. */
  iterations: number;
  rowCounts: boolean;
  /** Null: those of the cursor. */
  binds: BindType[] | null;
  defines: BindType[] | null;
  /** Behind it stand the values, whose form the cursor knows. */
  values: Reader;
}

export type Request =
  | { kind: 'ping' | 'commit' | 'rollback' | 'logoff' | 'session-release' }
  | { kind: 'fetch'; cursor: number; rows: number }
  | { kind: 'reexecute'; cursor: number; rows: number; iterations: number; commit: boolean; values: Reader }
  | ExecuteRequest
  | LobRequest
  /** The rest of it was not read. */
  | { kind: 'refused'; what: string };

export interface WholeRequest {
  piggybacks: Piggyback[];
  request: Request;
}

/** Throws `MalformedPacket`, also for what is well-formed but unknown here: guessing its length would be worse. */
export function readRequest(payload: Buffer, dialect: Dialect): WholeRequest {
  const reader = new Reader(payload);
  const piggybacks: Piggyback[] = [];
  for (;;) {
    const message = reader.u8();
    if (message !== Message.piggyback && message !== Message.function && message !== Message.oneWay) {
      throw new MalformedPacket(`a message of type ${message}`);
    }
    const code = reader.u8();
    reader.u8(); // sequence
    if (dialect.fieldVersion >= 18) reader.ub8(); // token of pipelines
    const what = REFUSED[code];
    if (what !== undefined) return { piggybacks, request: { kind: 'refused', what } };
    if (message === Message.piggyback) piggybacks.push(readPiggyback(code, reader));
    else return { piggybacks, request: readFunction(code, reader, dialect) };
  }
}

function readPiggyback(code: number, reader: Reader): Piggyback {
  switch (code) {
    case Call.closeCursors:
    case Call.cancelCursors: {
      reader.skip(1);
      const count = reader.ub4();
      if (count > reader.left) throw new MalformedPacket(`${count} cursors to close`);
      const cursors = Array.from({ length: count }, () => reader.ub4());
      return { kind: code === Call.closeCursors ? 'close-cursors' : 'cancel-cursors', cursors };
    }
    case Call.setSchema:
      reader.skip(1);
      reader.ub4();
      return { kind: 'set-schema', schema: reader.sized()?.toString() ?? '' };
    case Call.endToEnd:
      return { kind: 'end-to-end', values: readEndToEnd(reader) };
    case Call.appContext: {
      if (reader.u8() !== 0) reader.ub4();
      reader.skip(1);
      const count = reader.ub4();
      reader.ub2();
      reader.skip(1);
      reader.sized();
      reader.keyValues(count);
      return { kind: 'context' };
    }
    case Call.lob: {
      reader.skip(1);
      const size = reader.ub4();
      readLobHead(reader);
      return { kind: 'free-lobs', locators: reader.bytes(size) };
    }
    default:
      throw new MalformedPacket(`piggyback ${code}, which the stand-in does not know`);
  }
}

/** Of the piggyback that frees temporary LOBs, after the size of its locators. */
function readLobHead(reader: Reader): void {
  reader.skip(1);
  for (let i = 0; i < 3; i++) reader.ub4();
  reader.skip(3);
  reader.ub4(); // operation
  reader.skip(1);
  reader.ub4();
  reader.ub8();
  reader.ub8();
  reader.skip(1);
  for (let i = 0; i < 3; i++) {
    reader.skip(1);
    reader.ub4();
  }
}

function readEndToEnd(reader: Reader): EndToEnd {
  reader.skip(2);
  reader.ub4();
  const sizes: { key: keyof EndToEnd | null; set: boolean; size: number }[] = [];
  const head = (key: keyof EndToEnd | null) => sizes.push({ key, set: reader.u8() !== 0, size: reader.ub4() });
  head('clientIdentifier');
  head('module');
  head('action');
  head(null); // execution context id
  reader.skip(1);
  reader.ub4();
  head('clientInfo');
  for (let i = 0; i < 2; i++) {
    reader.skip(1);
    reader.ub4();
  }
  head(null); // database operation
  const values: EndToEnd = {};
  for (const { key, set, size } of sizes) {
    const value = size > 0 ? (reader.sized()?.toString() ?? '') : '';
    if (set && key) values[key] = value;
  }
  return values;
}

function readFunction(code: number, reader: Reader, dialect: Dialect): Request {
  switch (code) {
    case Call.ping:
      return { kind: 'ping' };
    case Call.commit:
      return { kind: 'commit' };
    case Call.rollback:
      return { kind: 'rollback' };
    case Call.logoff:
      return { kind: 'logoff' };
    case Call.sessionRelease:
      return { kind: 'session-release' };
    case Call.fetch:
      return { kind: 'fetch', cursor: reader.ub4(), rows: reader.ub4() };
    case Call.reexecute:
    case Call.reexecuteAndFetch: {
      const cursor = reader.ub4();
      const count = reader.ub4();
      reader.ub4();
      const commit = (reader.ub4() & REEXECUTE_COMMIT) !== 0;
      const [rows, iterations] = code === Call.reexecute ? [0, count] : [count, 1];
      return { kind: 'reexecute', cursor, rows, iterations, commit, values: reader };
    }
    case Call.execute:
      return readExecute(reader, dialect);
    case Call.lob:
      return readLob(reader);
    default:
      throw new MalformedPacket(`function ${code}, which the stand-in does not know`);
  }
}

function readExecute(reader: Reader, { fieldVersion }: Dialect): ExecuteRequest {
  const options = reader.ub4();
  const cursor = reader.ub4();
  reader.skip(1);
  const sqlLength = reader.ub4();
  reader.skip(1);
  const numbers = reader.ub4();
  reader.skip(3);
  const rows = reader.ub4();
  reader.ub4(); // longest LONG
  reader.skip(1);
  const binds = reader.ub4();
  reader.skip(6);
  const defines = reader.ub4();
  reader.ub4();
  reader.skip(3);
  reader.ub4();
  reader.skip(1);
  reader.ub4();
  reader.ub4();
  reader.skip(1);
  reader.ub4();
  reader.skip(1);
  if (fieldVersion >= 8) {
    reader.skip(1);
    reader.ub4();
    reader.skip(1);
    reader.ub4();
    reader.skip(1);
  }
  if (fieldVersion >= 9) {
    reader.skip(1);
    reader.ub4();
  }
  const sql = sqlLength > 0 ? (reader.sized()?.toString() ?? '') : null;
  if (numbers !== 13) throw new MalformedPacket(`an execute with ${numbers} numbers`);
  const settings = Array.from({ length: numbers }, () => reader.ub4());
  const defining = (options & Option.define) !== 0;
  return {
    kind: 'execute',
    options,
    cursor,
    sql,
    rows,
    iterations: settings[1] as number,
    rowCounts: ((settings[9] as number) & EXEC_ROW_COUNTS) !== 0,
    binds: binds > 0 && !defining ? readBindTypes(reader, binds, fieldVersion) : null,
    defines: defining ? readBindTypes(reader, defines, fieldVersion) : null,
    values: reader,
  };
}
