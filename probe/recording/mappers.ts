/**
 * Libraries that borrow from a pool for their caller: what to change is said in their words, and where they stand between
 * the user's line and the pool the caller has no connection to give back.
 */
import type { Frame } from './format.ts';

interface Mapper {
  /** What to change where a connection of theirs is kept. */
  readonly advice: string;
}

const MAPPERS: Readonly<Record<string, Mapper>> = {
  typeorm: {
    advice:
      'Release the query runner in a finally block, `await queryRunner.release()`, also after commitTransaction() and rollbackTransaction(), which keep it; or let `dataSource.transaction(async (manager) => …)` do both.',
  },
  sequelize: {
    advice:
      'End the transaction on every path: `await t.commit()`, and `await t.rollback()` in the catch; or let `sequelize.transaction(async (t) => …)` do both.',
  },
  'drizzle-orm': {
    advice:
      'See that the function given to `db.transaction(async (tx) => …)` comes to its end: until it does, it keeps its connection.',
  },
  knex: {
    advice:
      'Commit or roll back on every path, or let `knex.transaction(async (trx) => …)` do both; a stream that is not read to its end is to be destroyed.',
  },
};

const PACKAGE = /[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/](?!.*[\\/]node_modules[\\/])/;

/** The one that stands between a resource and the first of the user's lines; null where there is none. */
export function mapperOf(stack: readonly Pick<Frame, 'file' | 'user'>[]): Mapper | null {
  const user = stack.findIndex((frame) => frame.user);
  for (const { file } of stack.slice(0, user < 0 ? stack.length : user)) {
    const name = PACKAGE.exec(file)?.[1];
    const mapper = name !== undefined && Object.hasOwn(MAPPERS, name) ? MAPPERS[name] : undefined;
    if (mapper) return mapper;
  }
  return null;
}
