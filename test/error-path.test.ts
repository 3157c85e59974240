import { describe, expect, test } from 'vitest';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed } from './support/probed.ts';

// The most frequent leak: an error path that forgets to give back. Others give back, some of them after their request.

const program = fixture('error-path.mjs');

describe.runIf(FOLLOWS_FLOWS).each([
  ['session', '// a session'],
  ['child', '// a child'],
  ['answer', '// an answer'],
  ['timer', '// a timer'],
  // the handler that ends the others called for it
  ['thread', '// what it needs'],
])('a %s', (kind, line) => {
  test.concurrent('that requests leave which fail is likely to leak', async () => {
    const { report } = await probed(program, [kind, 'leak']);
    expect(report.findings.map(placeOf)).toEqual([lineOf(program, line)]);
    expect(report.findings[0]).toMatchObject({ certainty: 'likely', detector: 'outlived-scope' });
  });
  test.concurrent('that every request gives back is none', async () => {
    const { report } = await probed(program, [kind, 'clean']);
    expect(report.findings).toEqual([]);
    // a thread that was ended before it ran has left nothing out
    expect(report.unseen).toEqual([]);
  });
});

test.concurrent.each(['retry', 'helper', 'cache'])(
  'a timer that failures alone set on purpose, %s: none is told',
  async (kind) => {
    const { report } = await probed(fixture('failures-go-on.mjs'), [kind]);
    expect(report.findings.filter(({ certainty }) => certainty !== 'suspect')).toEqual([]);
  },
);
