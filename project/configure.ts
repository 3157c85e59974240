/**
 * The one line that guards a project's tests, put into the configuration that is there. What is not written plainly
 * enough to be sure of is left to a person, who is told the line.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CONFIGURATIONS, NODE_TEST, type Project, type RunnerName } from './look.ts';

/** A file as it is to be; `before` is null where there is none yet. */
export interface Change {
  runner: RunnerName;
  file: string;
  before: string | null;
  after: string;
}

export interface Plan {
  changes: Change[];
  /** Runners that are guarded already. */
  done: RunnerName[];
  /** What a person has to write, a sentence each. */
  byHand: string[];
}

type Outcome = Omit<Change, 'runner'> | 'done' | string;

const LINES: Readonly<Record<RunnerName, string>> = {
  'node:test': '--require outlive/node-test',
  Vitest: "test: { runner: 'outlive/vitest' }",
  Jest: "testRunner: 'outlive/jest'",
  Mocha: '"require": "outlive/mocha"',
};
const ENTRIES: Readonly<Record<RunnerName, string>> = {
  'node:test': 'outlive/node-test',
  Vitest: 'outlive/vitest',
  Jest: 'outlive/jest',
  Mocha: 'outlive/mocha',
};

export function planFor(project: Project): Plan {
  const plan: Plan = { changes: [], done: [], byHand: [] };
  for (const runner of project.runners) {
    const outcome = HOW[runner](project);
    if (outcome === 'done') plan.done.push(runner);
    else if (typeof outcome === 'string') plan.byHand.push(outcome);
    // one that another runner's line goes into already is left alone
    else if (plan.changes.some(({ file }) => file === outcome.file)) {
      plan.byHand.push(byHand(runner, path.basename(outcome.file)));
    } else plan.changes.push({ runner, ...outcome });
  }
  return plan;
}

const HOW: Readonly<Record<RunnerName, (project: Project) => Outcome>> = {
  'node:test': (project) => {
    const file = path.join(project.folder, 'package.json');
    const before = readFileSync(file, 'utf8');
    const scripts = Object.entries(project.manifest.scripts ?? {}).filter(([, script]) => NODE_TEST.test(script));
    const open = scripts.filter(([, script]) => !script.includes(ENTRIES['node:test']));
    if (open.length === 0) return 'done';
    const after = open.reduce((text, [, script]) => {
      const guarded = script.replace(NODE_TEST, (command) =>
        command.replace(/--test$/, `${LINES['node:test']} --test`),
      );
      return text.replace(JSON.stringify(script), JSON.stringify(guarded));
    }, before);
    return after === before ? byHand('node:test', 'package.json') : { file, before, after };
  },
  Vitest: (project) => {
    const [name] = named(project, 'Vitest');
    if (name === undefined) {
      const text = `import { defineConfig } from 'vitest/config';\n\nexport default defineConfig({\n  ${LINES.Vitest},\n});\n`;
      return { file: path.join(project.folder, 'vitest.config.mjs'), before: null, after: text };
    }
    return inserted(project, 'Vitest', name, [
      [/^([ \t]*)test:\s*\{[ \t]*$/m, (line, indent) => `${line}\n${indent}  runner: 'outlive/vitest',`],
      [/(?:^|[{,])[ \t]*test:\s*\{[ \t]*(?=\S)/m, (line) => `${line.trimEnd()} runner: 'outlive/vitest', `],
      // … and where there is no `test` yet
      [
        /^(?![\s\S]*\btest['"]?\s*:)[\s\S]*?^export default (?:defineConfig\()?\{/m,
        (text) => `${text}\n  ${LINES.Vitest},`,
      ],
    ]);
  },
  Jest: (project) => {
    const [name] = named(project, 'Jest');
    if (name === undefined || name.endsWith('.json')) {
      return inJson(project, 'Jest', name ?? 'package.json', { testRunner: ENTRIES.Jest }, name ? null : 'jest');
    }
    return inserted(project, 'Jest', name, [
      [
        /^(?:module\.exports =|export default|const config(?:: [\w.]+)? =) \{(?!\s*\.\.\.)/m,
        (line) => `${line}\n  ${LINES.Jest},`,
      ],
    ]);
  },
  Mocha: (project) => {
    const [name] = named(project, 'Mocha');
    if (name === undefined && project.manifest.mocha) {
      return inJson(project, 'Mocha', 'package.json', { require: ENTRIES.Mocha }, 'mocha');
    }
    if (name === undefined) {
      const text = `${JSON.stringify({ require: ENTRIES.Mocha }, null, 2)}\n`;
      return { file: path.join(project.folder, '.mocharc.json'), before: null, after: text };
    }
    return name.endsWith('.json')
      ? inJson(project, 'Mocha', name, { require: ENTRIES.Mocha }, null)
      : inserted(project, 'Mocha', name, [
          [/^([ \t]*)require:\s*\[[ \t]*$/m, (line, indent) => `${line}\n${indent}  'outlive/mocha',`, 'joins'],
          [/^([ \t]*)require:[ \t]*\[/m, (line) => `${line}'outlive/mocha', `, 'joins'],
          [/^require:[ \t]*\n([ \t]*- )/m, (_, dash) => `require:\n${dash}outlive/mocha\n${dash}`, 'joins'],
          [
            /^([ \t]*require:[ \t]*)(['"]?)(\.?[\w@/.:-]+)\2/m,
            (_, key, quote, other) => `${key}[${quote}outlive/mocha${quote}, ${quote}${other}${quote}]`,
            'joins',
          ],
          [/^(?:module\.exports =|export default) \{[ \t]*$/m, (line) => `${line}\n  require: 'outlive/mocha',`],
          [/^(?=[\w-]+:(?:\s|$))/m, () => 'require: outlive/mocha\n'],
        ]);
  },
};

function named({ files }: Project, runner: keyof typeof CONFIGURATIONS): string[] {
  // vitest.config comes before vite.config, as in Vitest
  return files
    .filter((file) => CONFIGURATIONS[runner].test(file))
    .sort()
    .reverse();
}

/** `joins`: what is there already stays beside it. */
type Insertion = [where: RegExp, put: (...found: string[]) => string, joins?: 'joins'];

function inserted(project: Project, runner: RunnerName, name: string, insertions: readonly Insertion[]): Outcome {
  const file = path.join(project.folder, name);
  const before = readFileSync(file, 'utf8');
  const said = withoutComments(before);
  if (said.includes(ENTRIES[runner])) return 'done';
  const isOther = /\b(?:runner|testRunner|require)\s*:/.test(said);
  const found = insertions.find(([where, , joins]) => (joins || !isOther) && where.test(before));
  if (!found) return byHand(runner, name);
  return { file, before, after: before.replace(found[0], found[1]) };
}

/** As `jest --init` writes them, of everything that could be said. Those at the end of a line are left. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^[ \t]*(?:\/\/|#).*$/gm, '');
}

/** `key`: the part of the file that is the runner's, or null where all of it is. */
function inJson(
  project: Project,
  runner: RunnerName,
  name: string,
  line: Record<string, string>,
  key: 'jest' | 'mocha' | null,
): Outcome {
  const file = path.join(project.folder, name);
  const before = readFileSync(file, 'utf8');
  if (before.includes(ENTRIES[runner])) return 'done';
  try {
    const all = JSON.parse(before) as Record<string, Record<string, unknown>>;
    const own = key === null ? all : (all[key] ?? {});
    const added =
      runner === 'Mocha' && Object.hasOwn(own, 'require') ? { require: [own.require, ENTRIES.Mocha].flat() } : line;
    if (added === line && Object.keys(line).some((each) => Object.hasOwn(own, each))) return byHand(runner, name);
    const after = key === null ? { ...all, ...added } : { ...all, [key]: { ...own, ...added } };
    const [, indent = '  '] = /^([ \t]+)"/m.exec(before) ?? [];
    return { file, before, after: `${JSON.stringify(after, null, indent)}\n` };
  } catch {
    return byHand(runner, name);
  }
}

function byHand(runner: RunnerName, name: string): string {
  return `${runner}: ${name} is not plain enough to be changed for you; put into it: ${LINES[runner]}`;
}
