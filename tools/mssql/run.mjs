// Connections, transactions, prepared statements and pools of tedious and mssql that jobs forget, and the careful twin:
// `npm run test:mssql`. There is no SQL Server in npm or Debian, so a stand-in answers: what is tested is the drivers' own
// side.
import { fileURLToPath } from 'node:url';
import { advice } from '../../dist/reports/advice.js';
import { install, placeOf, placesIn, reportOf } from '../planted.mjs';
import { listen } from './standin.cjs';

const home = fileURLToPath(new URL('.', import.meta.url));
/** A program, and the libraries that it is tried with. Advice is for a library under its own name. */
const CASES = [
  ['tedious', '11.8.0', { tedious: 'tedious-11.8.0', tarn: 'tarn' }],
  ['tedious', '18.6.2', { tedious: 'tedious-18.6.2', tarn: 'tarn' }],
  ['tedious', '20.3.9', { tedious: 'tedious-20.3.9', tarn: 'tarn' }],
  ['mssql', '7.3.5', { mssql: 'mssql-7.3.5' }],
  ['mssql', '12.7.14', { mssql: 'mssql' }],
];
const PLANTED = {
  tedious: ['// a connection', '// a transaction'],
  mssql: ['// a transaction', '// a statement', '// a pool'],
};
const WORDS = ['await transaction.rollback()', 'await pool.close()'];

install(home);
const env = { MSSQL_PORT: String(await listen()), OUTLIVE_GRACE_MS: '100' };
let failed = 0;
for (const [program, version, modules] of CASES) {
  const reports = ['leak', 'clean'].map((variant) => reportOf(home, program, { modules, args: [variant], env }));
  const [broken, careful] = await Promise.all(reports);
  const [found, silent] = [broken, careful].map((report) => placesIn(report).split(',').sort().join());
  const expected = PLANTED[program].map((comment) => placeOf(home, program, comment)).sort();
  const told = broken.findings.map(advice).join();
  const isAdvised = modules.mssql !== 'mssql' || WORDS.every((words) => told.includes(words));
  const isRight = found === expected.join() && silent === '' && isAdvised;
  if (!isRight) failed++;
  const seen = `${found || 'nothing'}${isAdvised ? '' : ' without its words'}; clean: ${silent || 'nothing'}`;
  console.log(`${isRight ? 'right' : 'WRONG'}  ${program} ${version}: ${seen}`);
}
process.exit(failed > 0 ? 1 : 0);
