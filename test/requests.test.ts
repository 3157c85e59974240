/** Requests of node:http that are never finished, whose sockets leave HTTP, or whose answer is handed on to nobody. */
import { describe, expect, test } from 'vitest';
import { fixture, lineOf, NODE_MAJOR, placeOf, probed } from './support/probed.ts';

const PROGRAM = fixture('requests.mjs');

// Node.js tells where a request is made from 22 on, and follows requests to a server by itself from 24 on
describe.skipIf(NODE_MAJOR < 24)('requests of node:http', () => {
  test.concurrent.each([
    ['unfinished', '// begun', { kind: 'socket', library: 'node:http' }],
    ['upgraded', '// upgraded', { kind: 'socket', library: 'net' }],
    ['proxy', '// handed on', { kind: 'stream', library: 'node:http' }],
  ])('%s: found at the line that made them; not where they are ended', async (kind, line, what) => {
    const [left, ended] = await Promise.all(['leak', 'clean'].map((variant) => probed(PROGRAM, [kind, variant])));
    expect(left?.report.findings.map(placeOf)).toEqual([lineOf(PROGRAM, line)]);
    expect(left?.report.findings[0]).toMatchObject({ ...what, certainty: 'likely', count: 12 });
    expect(ended?.report.findings).toEqual([]);
    expect(ended?.report.processes.map(({ faults }) => faults)).toEqual([0]);
  });
});
