/** The test that goes with a recipe: red as long as the fault leaves something open, green after the fix. */
import path from 'node:path';
import { mask } from '../../probe/recording/mask.ts';
import { makeFolder, writeOwn } from '../../probe/recording/own.ts';
import { Sources } from '../../probe/recording/source.ts';
import type { Target } from '../service/targets.ts';
import type { Loss } from './mend.ts';
import type { Point } from './points.ts';
import type { CommandRecipe, Recipe } from './replay.ts';
import type { SubjectOptions } from './subject.ts';
import { nameOf } from './words.ts';

type TestOptions = Pick<SubjectOptions, 'command' | 'targets' | 'folder'>;

/** Returns the file's path. */
export function writeTest({ command, targets, folder }: TestOptions, point: Point): string {
  const { fault, site, atStart } = point;
  const name = nameOf(point);
  const at = path.relative(process.cwd(), site.file);
  const call = new Sources().lines(site.file)?.[site.line - 1]?.trim() ?? '';
  const recipe: Recipe = {
    command: [...command],
    requests: targets.map(({ method, url, headers, body }) => ({ method, url: url.href, headers, body })),
    fault: { kind: fault.kind, ordinal: fault.ordinal, file: at, call, line: site.line, atStart },
  };
  const file = path.join(folder, 'fail-path', `${slug(`${name} in ${site.function || 'the module'}`)}.test.mjs`);
  makeFolder(path.dirname(file));
  writeOwn(file, textOf(name, recipe, targets));
  return file;
}

/** Of a candidate that a command has confirmed. `point` null: it stays open with nothing made to fail. */
export function commandTest(command: readonly string[], loss: Loss, point: Point | null, limitMs: number): string {
  const lineOf = ({ file, line }: { file: string; line: number }) => ({
    ...{ file: path.relative(process.cwd(), file), line },
    call: new Sources().lines(file)?.[line - 1]?.trim() ?? '',
  });
  const { kind, ordinal } = point?.fault ?? {};
  const recipe = {
    ...{ command: [...command], taken: lineOf(loss.site), limitMs },
    fault: point && kind && ordinal ? { kind, ordinal, ...lineOf(point.site) } : null,
  } satisfies CommandRecipe;
  const when = point ? `when ${nameOf(point)} fails` : 'when the command has run';
  return `// Red as long as something stays open ${when}.
// Run it in ${path.basename(process.cwd())}: node --test FILE
import { test } from 'node:test';
import { mustComeBack } from 'outlive/fail-path';

test(${JSON.stringify(`nothing stays open ${when}`)}, async () => {
  await mustComeBack(${JSON.stringify(recipe, null, 2).replaceAll('\n', '\n  ')});
});
`;
}

function textOf(name: string, recipe: Recipe, targets: readonly Target[]): string {
  const secrets = targets.flatMap((target) => secretsOf(target));
  const json = JSON.stringify(recipe, null, 2);
  // what may be a secret is not written down: who runs the test gives it
  const code = [...new Set(secrets)].reduce(
    (text, secret, index) => text.replaceAll(JSON.stringify(secret), `process.env.OUTLIVE_SECRET_${index + 1}`),
    json,
  );
  const needs =
    secrets.length > 0
      ? '\n// Needs OUTLIVE_SECRET_1 … in the environment: what the headers and bodies of the soak kept secret.'
      : '';
  return `// Red as long as something stays open when ${name} fails.
// Run it in ${path.basename(process.cwd())}, where the soak was run: node --test FILE, or by vitest once it lies among your tests.${needs}
import { test } from 'node:test';
import { mustReturnToFloor } from 'outlive/fail-path';

test(${JSON.stringify(`nothing stays open when ${name} fails`)}, { timeout: 120_000 }, async () => {
  await mustReturnToFloor(${code.replaceAll('\n', '\n  ')});
});
`;
}

function secretsOf({ headers, body }: Target): string[] {
  const values = Object.entries(headers).filter(
    ([name, value]) => /auth|cookie|token|key|secret|session/i.test(name) || mask(value) !== value,
  );
  const secretBody = body !== null && mask(body) !== body ? [body] : [];
  return [...values.map(([, value]) => value), ...secretBody];
}

function slug(text: string): string {
  return text
    .replace(/^the /, '')
    .replace(/[^\w]+/g, '-')
    .replace(/^-|-$/g, '')
    .toLowerCase();
}
