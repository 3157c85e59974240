/** Where the variants of an incident get an empty database each. Drivers and servers are loaded only when used. */
import type { Dialect } from '../pipeline/store/store.ts';
import { UserError } from '../user-error.ts';

export const DATABASE_CHOICES = ['postgres', 'oracle'] as const satisfies readonly Dialect[];

export interface DatabaseServer {
  /** An empty database; one of the same name that a killed run left is replaced. */
  create(name: string): Promise<{ url: string; drop(): Promise<void> }>;
  stop(): Promise<void>;
}

/**
 * PostgreSQL: the one of DATABASE_URL, or a private one. Oracle: the one of ORACLE_CONNECT_STRING, or the stand-in on
 * such a PostgreSQL. Throws `UserError`.
 */
export async function openServer(kind: Dialect, say: (note: string) => void): Promise<DatabaseServer> {
  if (kind === 'postgres') return postgres(say);
  if (namedOracle() !== null) return (await import('./oracle-schema.ts')).oracleSchema(namedOracle() as string, say);
  return standIn(say);
}

/** The real Oracle that the environment names. */
function namedOracle(): string | null {
  if (/^oracle:/.test(process.env.DATABASE_URL ?? '')) return process.env.DATABASE_URL as string;
  return process.env.ORACLE_CONNECT_STRING ? 'oracle' : null;
}

async function postgres(say: (note: string) => void): Promise<DatabaseServer> {
  if (/^oracle:/.test(process.env.DATABASE_URL ?? '')) {
    throw new UserError('DATABASE_URL names an Oracle: add --database oracle to use it.');
  }
  say('starting PostgreSQL');
  const { createDatabase, openDatabase } = await import('../pipeline/store/database.ts');
  const server = await openDatabase();
  return { create: (name) => createDatabase(server.url, name), stop: () => server.stop() };
}

async function standIn(say: (note: string) => void): Promise<DatabaseServer> {
  const server = await postgres(say);
  say('starting the Oracle stand-in');
  const { startOracleStandIn } = await import('../oracle-standin/index.ts');
  return {
    create: async (name) => {
      const database = await server.create(name);
      const { port, user, password, connectString, stop } = await startOracleStandIn({ database: database.url });
      return {
        url: `oracle://${user}:${password}@127.0.0.1:${port}/${connectString.split('/')[1]}`,
        drop: async () => {
          await stop();
          await database.drop();
        },
      };
    },
    stop: () => server.stop(),
  };
}
