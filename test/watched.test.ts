/** The documentation's list of what is watched is made from the rows: `npx vitest run test/watched.test.ts -u` writes it. */
import { expect, test } from 'vitest';
import { ADAPTERS, type AdapterRow } from '../probe/adapters.ts';

const HEAD = `# What is watched

Made from the rows of the adapters. The name is the one for \`OUTLIVE_OFF\`. A
version outside the range is watched as far as it goes, and the report says so: [Watch a service](watch.md#what-it-watches).

| adapter | of | what is seen |
|---|---|---|
`;

function subjectOf({ of }: AdapterRow): string {
  if ('builtin' in of) return `\`${of.builtin}\``;
  if ('channels' in of) return `channel${of.channels.length > 1 ? 's' : ''} ${of.channels.map(code).join(', ')}`;
  // one that is hooked at several of its files is one library
  const versions = of.packages.map(({ name, from, below }) => `${name} from ${from} to below ${below}`);
  return [...new Set(versions)].join('<br>');
}

function code(text: string): string {
  return `\`${text}\``;
}

test('the list of what is watched has a row for each adapter, with its versions', async () => {
  const rows = ADAPTERS.map((row) => `| \`${row.name}\` | ${subjectOf(row)} | ${row.sees} |\n`);
  await expect(HEAD + rows.join('')).toMatchFileSnapshot('../docs/watched.md');
});
