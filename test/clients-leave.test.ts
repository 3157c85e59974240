import { expect, test } from 'vitest';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed } from './support/probed.ts';

// That its client has left ends no handler: what it still has is a leak once nothing of it goes on.

const program = fixture('clients-leave.mjs');
const env = { OUTLIVE_GRACE_MS: '300' };

test.runIf(FOLLOWS_FLOWS)('a slow handler goes on when its client has left', async () => {
  const { report } = await probed(program, ['slow'], { env });
  expect(report.findings).toEqual([]);
});

test.runIf(FOLLOWS_FLOWS)('a handler that has returned forgot what it had', async () => {
  const { report } = await probed(program, ['returns'], { env });
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// a timer')]);
  expect(report.findings[0]).toMatchObject({ certainty: 'likely', count: 20 });
});
