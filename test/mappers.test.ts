/** What to change is said in the words of the mapper that borrowed: `npm run test:orms` tries it with the real ones. */
import { expect, test } from 'vitest';
import { advice } from '../reports/advice.ts';
import { makeFinding } from './support/reports.ts';

const frame = (file: string) => ({ file, line: 1, column: 1, function: 'f', user: !file.includes('node_modules') });
const advised = (nature: 'lease' | 'pool' | 'socket', ...files: string[]) =>
  advice(makeFinding({ nature, certainty: 'likely', stack: files.map(frame) }));

test.each([
  ['typeorm', 'queryRunner.release()', 'dataSource.destroy()'],
  ['sequelize', 't.rollback()', 'sequelize.close()'],
  ['drizzle-orm', 'db.transaction(', 'db.$client.end()'],
  ['@mikro-orm/core', 'em.rollback()', 'orm.close()'],
  ['@prisma/adapter-pg', 'prisma.$transaction(', 'prisma.$disconnect()'],
  ['knex', 'knex.transaction(', 'knex.destroy()'],
  ['mssql', 'transaction.rollback()', 'pool.close()'],
])('%s: how its connection is given back, and how its pool is made once', (name, onLease, onPool) => {
  const files = ['/srv/node_modules/pg-pool/index.js', `/srv/node_modules/${name}/lib/index.js`, '/srv/orders.js'];
  expect(advised('lease', ...files)).toContain(onLease);
  expect(advised('pool', ...files)).toContain(onPool);
});

test('a mapper that only calls the line that took it has no say', () => {
  const files = ['/srv/node_modules/pg-pool/index.js', '/srv/orders.js', '/srv/node_modules/typeorm/index.js'];
  expect(advised('lease', ...files)).not.toContain('queryRunner');
  expect(advised('socket', '/srv/node_modules/typeorm/index.js', '/srv/orders.js')).not.toContain('queryRunner');
});
