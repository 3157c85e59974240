// Clients, sessions and cursors of MongoDB's driver that jobs forget, and the careful twin: `npm run test:mongodb`. There is
// no server in npm or Debian, so a stand-in answers: what is tested is the driver's own side.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { install, placeOf, placesIn, reportOf } from '../planted.mjs';
import { listen } from './standin.cjs';

const home = fileURLToPath(new URL('.', import.meta.url));
const LEAKS = ['// a session', '// a cursor', '// a client'];

install(home);
const { url: MONGODB_URL } = await listen(createRequire(import.meta.url)('mongodb-7.9.0').BSON);
let failed = 0;
for (const version of ['4.17.2', '5.9.2', '6.9.0', '7.9.0']) {
  const reports = ['leak', 'clean'].map((variant) => {
    const modules = { mongodb: `mongodb-${version}` };
    const env = { MONGODB_URL, OUTLIVE_GRACE_MS: '100' };
    return reportOf(home, 'jobs', { modules, args: [variant], env });
  });
  const [found, silent] = (await Promise.all(reports)).map((report) => placesIn(report).split(',').sort().join());
  const expected = LEAKS.map((comment) => placeOf(home, 'jobs', comment)).sort();
  const isRight = found === expected.join() && silent === '';
  if (!isRight) failed++;
  console.log(
    `${isRight ? 'right' : 'WRONG'}  mongodb ${version}: ${found || 'nothing'}; clean: ${silent || 'nothing'}`,
  );
}
process.exit(failed > 0 ? 1 : 0);
