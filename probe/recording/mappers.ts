/**
 * Libraries that borrow from a pool for their caller: what to change is said in their words, and where they stand between
 * the user's line and the pool the caller has no connection to give back.
 */
import type { Frame } from './format.ts';

interface Mapper {
  /** What to change where a connection of theirs is kept. */
  readonly advice: string;
  /** … and where they are made again and again, each with a pool of its own. */
  readonly onPools: string;
}

/** `made` once for all, and `ended` at shutdown. */
const once = (made: string, ended: string): string =>
  `Make one ${made} for all, when the program starts: each has a pool of its own. At shutdown, and where one is needed for a while, \`await ${ended}\`.`;

const PRISMA: Mapper = {
  advice: 'See that the function given to `prisma.$transaction(async (tx) => …)` comes to its end.',
  onPools: once('PrismaClient', 'prisma.$disconnect()'),
};

const MAPPERS: Readonly<Record<string, Mapper>> = {
  typeorm: {
    advice:
      'Release the query runner in a finally block, `await queryRunner.release()`, also after commitTransaction() and rollbackTransaction(), which keep it; or let `dataSource.transaction(async (manager) => …)` do both.',
    onPools: once('DataSource', 'dataSource.destroy()'),
  },
  sequelize: {
    advice:
      'End the transaction on every path: `await t.commit()`, and `await t.rollback()` in the catch; or let `sequelize.transaction(async (t) => …)` do both.',
    onPools: once('Sequelize', 'sequelize.close()'),
  },
  'drizzle-orm': {
    advice:
      'See that the function given to `db.transaction(async (tx) => …)` comes to its end: until it does, it keeps its connection.',
    onPools: once('database by drizzle()', 'db.$client.end()'),
  },
  '@mikro-orm/core': {
    advice:
      'End the transaction on every path: `await em.commit()`, and `await em.rollback()` in the catch; or let `em.transactional(async (em) => …)` do both.',
    onPools: once('MikroORM', 'orm.close()'),
  },
  '@prisma/adapter-pg': PRISMA,
  '@prisma/client': PRISMA,
  mssql: {
    advice:
      'End the transaction on every path: `await transaction.commit()`, and `await transaction.rollback()` in the catch; `unprepare()` a prepared statement in a finally block, and read a request that streams to its end or `cancel()` it.',
    onPools: once('ConnectionPool', 'pool.close()'),
  },
  knex: {
    advice:
      'Commit or roll back on every path, or let `knex.transaction(async (trx) => …)` do both; a stream that is not read to its end is to be destroyed.',
    onPools: once('knex', 'knex.destroy()'),
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
