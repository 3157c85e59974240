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
