import { expect, test } from 'vitest';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed } from './support/probed.ts';

const program = fixture('http.mjs');
/** Before Node 24 requests are scopes only by choice. */
const options = FOLLOWS_FLOWS ? {} : { env: { OUTLIVE_SCOPES: 'on' } };

test('HTTP requests are scopes by themselves, named without the values in their path', async () => {
  const { report } = await probed(program, ['leak'], options);
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// in a request')]);
  expect(report.findings[0]).toMatchObject({
    count: 4,
    certainty: 'proven',
    scopes: [{ name: 'GET /orders/:id', ended: 40, leaked: 4, failedWith: 'HTTP 500' }],
  });
});

test('requests that give everything back are clean', async () => {
  const { report } = await probed(program, ['clean'], options);
  expect(report.findings).toEqual([]);
});

test('past a helper that borrows for its callers, the caller that forgot is named', async () => {
  const helper = fixture('helper.cjs');
  const { report } = await probed(helper);
  expect(report.findings.map(placeOf)).toEqual([lineOf(helper, '// forgets')]);
  expect(report.findings[0]).toMatchObject({ count: 10, acquired: 30, released: 20 });
});

const busy = fixture('busy-http.mjs');

test.runIf(FOLLOWS_FLOWS)('of a busy service not every request is followed, and each is counted', async () => {
  const { report } = await probed(busy);
  const counts = Object.fromEntries(report.scopes.map(({ name, ended }) => [name, ended]));
  expect(report.findings).toEqual([]);
  expect(counts['GET /orders']).toBeGreaterThan(1000);
  expect(counts['(not followed)']).toBeGreaterThan(0);
  expect(Number(counts['GET /orders']) + Number(counts['(not followed)'])).toBe(5000);
});

test.runIf(FOLLOWS_FLOWS)('… and what requests leave that are not followed is found and counted, too', async () => {
  const { report } = await probed(busy, ['leaky']);
  expect(report.findings.map(placeOf)).toEqual([lineOf(busy, '// forgotten at times')]);
  expect(report.findings[0]).toMatchObject({ certainty: 'proven', count: 100 });
});
