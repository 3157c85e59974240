import { leakScenario } from '../leak.ts';

const call = {
  kind: 'connection',
  file: new URL('./leaking.js', import.meta.url),
  call: 'await pool.acquire()',
} as const;

export const connectionLeak = leakScenario({
  name: 'connection-leak',
  title: 'a rule job borrows connections and does not return them when a record makes it throw',
  story: `The rule job runs again and again over newly ingested records. For each record that matches a rule it borrows
a connection and looks up the asset. An asset without an owner makes the look-up throw between acquire and release. The
job itself copes and goes on, so nobody notices: every run looks fine, and leaves a few connections borrowed for good.`,
  program: new URL('./program.js', import.meta.url),
  runs: 10,
  mustFind: [{ ...call, library: 'pg', certainty: 'likely' }],
  mustUse: 'pg',
  oracle: {
    // a fresh object for each loan: that it was collected is proof
    mustFind: [{ ...call, library: 'oracledb', certainty: 'proven' }],
    mustUse: 'oracledb',
    // the job waits for a connection in vain, and the pool refuses to close
    mustEndWith: ['NJS-040', 'NJS-104'],
  },
});
