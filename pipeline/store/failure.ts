/** Errors of the drivers, told from those of the program. */
import pg from 'pg';

/** A database that was there and is gone, or refuses. */
export function isDatabaseFailure(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return (
    error instanceof pg.DatabaseError ||
    /^(Connection terminated|timeout exceeded when trying to connect)/.test(error.message) ||
    isUnanswered(error) ||
    (typeof code === 'string' && ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(code)) ||
    (typeof code === 'string' && /^(ORA|NJS)-\d+$/.test(code))
  );
}

/** pg's word for a statement that got no answer in time. */
export function isUnanswered(error: Error): boolean {
  return error.message === 'Query read timeout';
}

/** What the driver says, as the end of a sentence: without the links and ids that oracledb adds on further lines. */
export function failureOf(error: unknown): string {
  // A name with several addresses gives one error for each of them and no message for all.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  if (isUnanswered(first as Error)) return 'it gives no answer';
  const lines = (first as Error).message.split('\n').filter((line) => !line.startsWith('Help: '));
  return lines
    .join(' ')
    .replace(/ ?\(CONNECTION_ID=[^)]*\)/g, '')
    .replace(/\.$/, '');
}
