/** Numbers of TTC, Oracle's call protocol, under the names they have in this folder. */

/** First byte of each message within a request or an answer. */
export const Message = {
  protocol: 1,
  dataTypes: 2,
  function: 3,
  error: 4,
  rowHeader: 6,
  rowData: 7,
  parameter: 8,
  status: 9,
  ioVector: 11,
  lobData: 14,
  describe: 16,
  piggyback: 17,
  oneWay: 26,
  endOfResponse: 29,
  fastAuth: 34,
} as const;

/** Second byte of a function or piggyback. */
export const Call = {
  reexecute: 4,
  fetch: 5,
  logoff: 9,
  commit: 14,
  rollback: 15,
  reexecuteAndFetch: 78,
  execute: 94,
  lob: 96,
  closeCursors: 105,
  authPhaseTwo: 115,
  authPhaseOne: 118,
  cancelCursors: 120,
  endToEnd: 135,
  ping: 147,
  setSchema: 152,
  appContext: 154,
  sessionRelease: 163,
} as const;

/** Calls that are known and not carried out, by their number: what they would do. */
export const REFUSED: Readonly<Record<number, string>> = {
  103: 'two-phase and sessionless transactions',
  104: 'two-phase and sessionless transactions',
  115: 'new passwords',
  121: 'advanced queueing',
  122: 'advanced queueing',
  125: 'subscriptions',
  128: 'direct path loads',
  129: 'direct path loads',
  130: 'direct path loads',
  145: 'advanced queueing',
};

export const Option = {
  parse: 0x01,
  bind: 0x08,
  define: 0x10,
  execute: 0x20,
  fetch: 0x40,
  commit: 0x100,
  describe: 0x20000,
  batchErrors: 0x80000,
} as const;

/** In the 9th of the 13 numbers of an execute. */
export const EXEC_ROW_COUNTS = 0x4000;
/** In the flags of a re-execute. */
export const REEXECUTE_COMMIT = 0x01;

export const CallStatus = { transaction: 0x02 } as const;

export const Type = {
  varchar: 1,
  number: 2,
  binaryInteger: 3,
  long: 8,
  rowid: 11,
  date: 12,
  raw: 23,
  longRaw: 24,
  char: 96,
  binaryFloat: 100,
  binaryDouble: 101,
  cursor: 102,
  object: 109,
  clob: 112,
  blob: 113,
  json: 119,
  vector: 127,
  timestamp: 180,
  timestampTz: 181,
  intervalYearMonth: 182,
  intervalDaySecond: 183,
  urowid: 208,
  timestampLtz: 231,
  boolean: 252,
} as const;

export const Direction = { in: 32, out: 16, inOut: 48 } as const;

/** What a session speaks, settled at logon. */
export interface Dialect {
  /** Of TTC fields: 12 is release 19, 24 is release 23. */
  fieldVersion: number;
  /** Whether answers end with a byte and a flag of their own. */
  endOfRequest: boolean;
}
