/** Which Oracle is meant: `oracle://USER:PASSWORD@HOST:PORT/SERVICE`, or `oracle` for the one the environment names. */
import { DatabaseUnavailable } from './store.ts';

export interface OracleAddress {
  user: string;
  password: string;
  /** Easy Connect, or whatever ORACLE_CONNECT_STRING holds. */
  connectString: string;
}

export const ORACLE_FORM = 'oracle://USER:PASSWORD@HOST:PORT/SERVICE';

export function namesOracle(url: string): boolean {
  return /^oracle(:|$)/.test(url);
}

/** ORACLE_USER and ORACLE_PASSWORD stand in for what the URL leaves out. Throws `DatabaseUnavailable`. */
export function oracleAddress(url: string, env: NodeJS.ProcessEnv = process.env): OracleAddress {
  const named = /^oracle:?$/.test(url) ? { connectString: env.ORACLE_CONNECT_STRING ?? '' } : parse(url);
  const { connectString, user = env.ORACLE_USER ?? '', password = env.ORACLE_PASSWORD ?? '' } = named;
  if (connectString && user && password) return { connectString, user, password };
  const missing = [
    ...(connectString ? [] : ['ORACLE_CONNECT_STRING']),
    ...(user ? [] : ['ORACLE_USER']),
    ...(password ? [] : ['ORACLE_PASSWORD']),
  ];
  const reading =
    missing.length > 1 ? `${missing.slice(0, -1).join(', ')} and ${missing.at(-1)} are` : `${missing[0]} is`;
  throw new DatabaseUnavailable(
    `To use Oracle, give the URL ${ORACLE_FORM}, or set what is missing: ${reading} not set.`,
  );
}

function parse(url: string): { connectString: string; user?: string; password?: string } {
  try {
    const { username, password, host, pathname } = new URL(url);
    // a service of one character is refused by the driver, with a message of its own
    if (!url.startsWith('oracle://') || !host || pathname.length < 2) throw new Error('incomplete');
    return {
      connectString: `${host}${decodeURIComponent(pathname)}`,
      ...(username && { user: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
    };
  } catch {
    throw new DatabaseUnavailable(`The database URL is not of the form ${ORACLE_FORM}.`);
  }
}
