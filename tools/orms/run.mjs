// Leaks as teams make them with object-relational mappers, on MySQL and PostgreSQL: found at the user's line, and the
// careful twin silent. `npm run test:orms`; needs mariadb-server.
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { startMariadb } from '../../test/support/mariadb.ts';
import { install, placeOf, placesIn, reportOf } from '../planted.mjs';

const home = fileURLToPath(new URL('.', import.meta.url));
const PROGRAMS = ['sequelize', 'typeorm-runner', 'drizzle-database', 'drizzle-transaction'];
const LIBRARIES = ['sequelize', 'typeorm', 'drizzle-orm', 'mysql2', 'pg'];

install(home);
const servers = { mysql: await startMariadb(), postgres: await startPostgres({ fsync: false }) };
const modules = Object.fromEntries(LIBRARIES.map((name) => [name, name]));
let failed = 0;
try {
  for (const program of PROGRAMS) {
    for (const [database, { url }] of Object.entries(servers)) {
      const [found, silent] = [['broken'], []].map((args) =>
        placesIn(reportOf(home, program, { modules, args, env: { DATABASE_URL: url } })),
      );
      const isRight = found === placeOf(home, program, '// planted') && silent === '';
      if (!isRight) failed++;
      const told = `broken ${found || 'nothing'}, careful ${silent || 'nothing'}`;
      console.log(`${isRight ? 'right' : 'WRONG'}  ${program} on ${database}: ${told}`);
    }
  }
} finally {
  for (const server of Object.values(servers)) await server.stop();
}
process.exit(failed > 0 ? 1 : 0);
