// Leaks that were published with versions of libraries: found at the user's line with the version that leaks, nothing with
// the one that mended it. `npm run test:known-leaks`; needs mariadb-server.
import { fileURLToPath } from 'node:url';
import { startMariadb } from '../../test/support/mariadb.ts';
import { install, placeOf, placesIn, reportOf } from '../planted.mjs';

const home = fileURLToPath(new URL('.', import.meta.url));
/** A program, and the library with the version that leaks and the one that does not. */
const CASES = [
  ['mysql2-query-fails', 'mysql2', '1.3.2', '1.3.6'],
  ['mysql2-execute-alone', 'mysql2', '1.1.1', '1.3.6'],
  ['typeorm-initialize', 'typeorm', '0.3.3', '0.3.4'],
];

install(home);
const mariadb = await startMariadb();
const { hostname: host, port, username: user } = new URL(mariadb.url);
const env = { MYSQL_OPTIONS: JSON.stringify({ host, port: Number(port), user, database: 'test' }) };
let failed = 0;
try {
  for (const [program, library, broken, fixed] of CASES) {
    const [found, silent] = [broken, fixed].map((version) =>
      placesIn(reportOf(home, program, { modules: { [library]: `${library}-${version}` }, env })),
    );
    const isRight = found === placeOf(home, program, '// leaks here') && silent === '';
    if (!isRight) failed++;
    const told = `${library} ${broken} ${found || 'nothing'}, ${fixed} ${silent || 'nothing'}`;
    console.log(`${isRight ? 'right' : 'WRONG'}  ${program}: ${told}`);
  }
} finally {
  await mariadb.stop();
}
process.exit(failed > 0 ? 1 : 0);
