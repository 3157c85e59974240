// Clients of gRPC and of HTTP that jobs forget, and the careful twin, with the oldest and the newest versions that the
// adapters know: `npm run test:clients`.
import { fileURLToPath } from 'node:url';
import { install, placeOf, placesIn, reportOf } from '../planted.mjs';

const home = fileURLToPath(new URL('.', import.meta.url));
/** A program, its library, and the name under which the versions are installed. */
const CASES = [
  ['grpc', '@grpc/grpc-js', 'grpc', ['1.0.5', '1.8.22', '1.14.7']],
  ['undici', 'undici', 'undici', ['5.0.0', '6.21.0', '7.16.0', '8.13.1']],
];
const PLANTED = {
  grpc: ['// a client', '// a stream of answers', '// a stream of both'],
  undici: ['// an agent', '// a pool', '// a client', '// a pool of pools'],
};

install(home);
let failed = 0;
for (const [program, library, installed, versions] of CASES) {
  const expected = PLANTED[program].map((comment) => placeOf(home, program, comment)).sort();
  for (const version of versions) {
    const modules = { [library]: `${installed}-${version}` };
    const reports = ['leak', 'clean'].map((variant) =>
      reportOf(home, program, { modules, args: [variant], env: { OUTLIVE_GRACE_MS: '200' } }),
    );
    const [broken, careful] = await Promise.all(reports);
    const found = placesIn(broken).split(',').sort().join();
    const isRight = found === expected.join() && careful.verdict === 'clean';
    if (!isRight) failed++;
    const told = `${found || 'nothing'}; clean: ${placesIn(careful) || careful.verdict}`;
    console.log(`${isRight ? 'right' : 'WRONG'}  ${library} ${version}: ${told}`);
  }
}
process.exit(failed > 0 ? 1 : 0);
