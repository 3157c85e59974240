/** Scenarios in files of their own. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CLI, ROOT, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** A folder that has outlive installed and holds `x.scenario.ts` with this default export. */
function folderWith(scenario: string) {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder.path, 'node_modules'));
  symlinkSync(ROOT, path.join(folder.path, 'node_modules/outlive'));
  writeFileSync(
    path.join(folder.path, 'x.scenario.ts'),
    `import { defineScenario } from 'outlive/scenario';\nexport default ${scenario};\n`,
  );
  return folder;
}

const COLORS = `defineScenario({
  name: 'colors', title: 'a color', story: 'It had a color.', runs: 2,
  options: { color: { help: 'which one', fallback: 'red', allowed: ['red', 'blue'] } },
  async soak({ options, runs }: { options: Record<string, string>, runs: number }) {
    return { variants: [], checks: [{ passed: options.color === 'blue', sentence: \`\${runs} runs in \${options.color}\` }] };
  },
})`;

test('a scenario in a TypeScript file is soaked with its own flags, and its checks set the exit code', async () => {
  using folder = folderWith(COLORS);
  const soak = (...args: string[]) => start(process.execPath, [CLI, 'soak', ...args], { cwd: folder.path });
  const failed = await soak('./x.scenario.ts');
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('✗ 2 runs in red') });
  const passed = await soak('--color', 'blue', './x.scenario.ts', '--runs', '3', '--json');
  expect(passed.code).toBe(0);
  expect(JSON.parse(passed.stdout).checks).toEqual([{ passed: true, sentence: '3 runs in blue' }]);
  const { code, stderr } = await soak('./x.scenario.ts', '--color', 'pink');
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'outlive: --color must be red or blue, not "pink".\n' });
  expect((await soak('./x.scenario.ts', '--help')).stdout).toContain('--color X  which one (red, blue; default red)');
});

test('what a machine could not show is neither passed nor failed', async () => {
  const check = (more: string) => `{ passed: false, ${more} sentence: 'it stormed' }`;
  const soak = async (checks: string, ...args: string[]) => {
    using folder = folderWith(`defineScenario({
      name: 'storm', title: 'a storm', story: 'It stormed.', runs: 1,
      soak: async () => ({ variants: [], checks: [${checks}] }),
    })`);
    return await start(process.execPath, [CLI, 'soak', './x.scenario.ts', ...args], { cwd: folder.path });
  };
  const open = check('isInconclusive: true as const,');
  const inconclusive = await soak(open);
  expect(inconclusive).toMatchObject({ code: 2, stderr: expect.stringContaining('? it stormed') });
  expect(inconclusive.stderr).toContain('Inconclusive: nothing was refuted');
  expect((await soak(open, '--fail-on', 'never')).code).toBe(0);
  expect((await soak(`${open}, ${check('')}`)).code).toBe(1);
});

test.each([
  ["'words'", './x.scenario.ts is no scenario: it has no default export made by defineScenario.'],
  ["{ name: 'x', title: 'x', story: 'x', runs: 1 }", './x.scenario.ts is no scenario: it has no function soak.'],
])('what is no scenario is one sentence: %s', async (scenario, sentence) => {
  using folder = folderWith(scenario);
  const { code, stderr } = await start(process.execPath, [CLI, 'soak', './x.scenario.ts'], { cwd: folder.path });
  expect({ code, stderr }).toEqual({ code: 2, stderr: `outlive: ${sentence}\n` });
});

test.each([
  ['throw new RangeError("no such region");', './x.mjs cannot be loaded: no such region (x.mjs:1).'],
  ['export default {', './x.mjs cannot be loaded: Unexpected end of input'],
  // a service that was meant to be a program after --
  ['setInterval(() => {}, 1000);', './x.mjs is no scenario: it has no default export made by defineScenario.'],
])('a file that was not meant to be one is one sentence, and the command ends: %s', async (text, sentence) => {
  using folder = folderWith('null');
  writeFileSync(path.join(folder.path, 'x.mjs'), text);
  const { code, stderr } = await start(process.execPath, [CLI, 'soak', './x.mjs'], { cwd: folder.path });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`outlive: ${sentence}`) });
  expect(stderr.trim()).not.toContain('\n');
});
