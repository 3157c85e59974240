/** ORA errors: what PostgreSQL says in Oracle's numbers and words. */
import { SqlError } from './sql/tokens.ts';

export class OracleError extends Error {
  override name = 'OracleError';
  readonly code: number;
  /** Characters into the statement. */
  readonly at: number;

  constructor(code: number, text: string, at = 0) {
    super(`ORA-${String(code).padStart(5, '0')}: ${text}`);
    this.code = code;
    this.at = at;
  }
}

const TEXTS: Record<number, string> = {
  18: 'maximum number of sessions exceeded',
  20: 'maximum number of processes exceeded',
  28: 'your session has been killed',
  30: 'User session ID does not exist.',
  54: 'resource busy and acquire with NOWAIT specified or timeout expired',
  60: 'deadlock detected while waiting for resource',
  1000: 'maximum open cursors exceeded',
  1001: 'invalid cursor',
  1002: 'fetch out of sequence',
  1013: 'user requested cancel of current operation',
  1017: 'invalid username/password; logon denied',
  1403: 'no data found',
  1422: 'exact fetch returns more than requested number of rows',
  2391: 'exceeded simultaneous SESSIONS_PER_USER limit',
  3113: 'end-of-file on communication channel',
  22922: 'nonexistent LOB value',
  28000: 'The account is locked.',
};

export function oracleError(code: number, at = 0): OracleError {
  return new OracleError(code, TEXTS[code] ?? 'raised by a fault of the stand-in', at);
}

/** What `pg` gives for an error message of the server. */
export interface PostgresError extends Error {
  code?: string;
  detail?: string;
  schema?: string;
  table?: string;
  column?: string;
  constraint?: string;
  position?: string;
}

const name = (text: string | undefined) => (text ?? '?').toUpperCase();

type Translate = (error: PostgresError, user: string) => [code: number, text: string];

const STATES: Record<string, Translate> = {
  '23505': ({ constraint, schema }, user) =>
    // two that create the same at once meet in PostgreSQL's catalog
    schema === 'pg_catalog'
      ? [955, 'name is already used by an existing object']
      : [1, `unique constraint (${user}.${name(constraint)}) violated`],
  '23502': ({ table, column }, user) => [
    1400,
    `cannot insert NULL into ("${user}"."${name(table)}"."${name(column)}")`,
  ],
  '23503': ({ constraint, detail }, user) =>
    /still referenced/.test(detail ?? '')
      ? [2292, `integrity constraint (${user}.${name(constraint)}) violated - child record found`]
      : [2291, `integrity constraint (${user}.${name(constraint)}) violated - parent key not found`],
  '23514': ({ constraint }, user) => [2290, `check constraint (${user}.${name(constraint)}) violated`],
  '42P01': () => [942, 'table or view does not exist'],
  '42703': ({ message }) => [
    904,
    `${name(/"([^"]+)"|column (\S+)/.exec(message)?.slice(1).find(Boolean))}: invalid identifier`,
  ],
  '42883': ({ message }) => [
    904,
    `${name(/(?:function|operator) (.+?)\(?(?: |$|\()/.exec(message)?.[1])}: invalid identifier (PostgreSQL: ${message})`,
  ],
  '42601': ({ message }) => [933, `SQL command not properly ended (PostgreSQL: ${message})`],
  '42702': () => [918, 'column ambiguously defined'],
  '42803': () => [979, 'not a GROUP BY expression'],
  '42P07': () => [955, 'name is already used by an existing object'],
  // the type of a table that another session has just made
  '42710': () => [955, 'name is already used by an existing object'],
  '42701': () => [957, 'duplicate column name'],
  '42704': ({ message }) =>
    /sequence|relation/.test(message)
      ? [2289, 'sequence does not exist']
      : [4043, `object does not exist (PostgreSQL: ${message})`],
  '42804': ({ message }) => [932, `inconsistent datatypes (PostgreSQL: ${message})`],
  '22P02': () => [1722, 'invalid number'],
  '22003': () => [1438, 'value larger than specified precision allowed for this column'],
  '22001': () => [12899, 'value too large for column'],
  '22012': () => [1476, 'divisor is equal to zero'],
  '22007': () => [1843, 'not a valid month'],
  '22008': () => [1843, 'not a valid month'],
  '21000': () => [1427, 'single-row subquery returns more than one row'],
  '21001': () => [30926, 'unable to get a stable set of rows in the source tables'],
  '2BP01': () => [2449, 'unique/primary keys in table referenced by foreign keys'],
  '3B001': ({ message }) => [
    1086,
    `savepoint '${name(/"([^"]+)"/.exec(message)?.[1])}' never established in this session or is invalid`,
  ],
  '34000': () => [1002, TEXTS[1002]!],
  '40001': () => [8177, "can't serialize access for this transaction"],
  '40P01': () => [60, TEXTS[60]!],
  '55P03': () => [54, TEXTS[54]!],
  '57014': () => [1013, TEXTS[1013]!],
  '57P01': () => [3113, TEXTS[3113]!],
  '57P03': () => [1033, 'ORACLE initialization or shutdown in progress'],
  '53300': () => [20, TEXTS[20]!],
  '53200': () => [4030, 'out of process memory when trying to allocate bytes'],
  '53100': () => [1653, 'unable to extend table: the disk is full'],
  '25006': () => [1456, 'may not perform insert/delete/update operation inside a READ ONLY transaction'],
};

/** Any error of a call as the one that the client gets. */
export function asOracleError(error: unknown, user: string): OracleError {
  if (error instanceof OracleError) return error;
  if (error instanceof SqlError) return new OracleError(error.code, error.message, error.at);
  if (error instanceof RangeError) return new OracleError(1426, `numeric overflow: ${error.message}`);
  const postgres = error as PostgresError;
  const translate = postgres.code === undefined ? undefined : STATES[postgres.code];
  const at = Math.max(0, Number(postgres.position ?? 1) - 1);
  if (!translate) {
    return new OracleError(604, `error occurred at recursive SQL level 1: PostgreSQL says: ${postgres.message}`, at);
  }
  return new OracleError(...translate(postgres, user.toUpperCase()), at);
}
