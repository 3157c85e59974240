/**
 * Proves a fix before anybody is offered it: in a copy of the project the test that goes with the leak must be red, and
 * green once the change is made, with the same operation failing. The project itself is not touched.
 *
 * False negatives: a project whose command runs something built from the changed file, or files by their absolute paths.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Fixable, suggestFix, unifiedDiff } from '../../probe/recording/fix.ts';
import type { NatureName } from '../../probe/recording/natures.ts';
import { NATURES } from '../../probe/recording/natures.ts';
import { placeOf } from '../../probe/recording/place.ts';
import { Sources } from '../../probe/recording/source.ts';
import { ownFolder } from './own-folder.ts';
import { copyProject, projectOf } from './project-copy.ts';

export interface Mending {
  /** The change, as `git apply` takes it in the working directory; null where none is proven. */
  diff: string | null;
  /** What proves it, or why there is none. */
  sentence: string;
}

/** What stays open: what it is, and the call that acquires it. */
export interface Loss {
  nature: NatureName;
  library: string;
  site: { file: string; line: number; column: number };
}

export interface MendOptions {
  /** Text of the test, which is run from the working directory. */
  test: string;
  /** Of one run of it, milliseconds. */
  limitMs: number;
  signal: AbortSignal;
  /** Absolute folders that are not part of the project, such as where a soak records. */
  apart?: readonly string[];
}

/** What `outlive/fail-path` says of what stays open; the name of each test says that nothing does. */
const RED = /(?<!\bnothing )\bstays? open\b/;

/** Throws the signal's reason. Anything else that goes wrong is a fix that is not proven. */
export async function mend(loss: Loss, options: MendOptions): Promise<Mending> {
  const fixable = fixableOf(loss);
  const cwd = realpathSync(process.cwd());
  const diff = unifiedDiff(fixable, cwd);
  if (diff === null) return none('its code is not plain enough for one that is sure');
  const own = ownFolder('mend');
  try {
    const [folder, temporary] = [path.join(own, 'copy'), path.join(own, 'tmp')];
    for (const each of [folder, temporary]) mkdirSync(each);
    // whose folder for such things is in the project would be copied into its copy
    const apart = [...(options.apart ?? []), own];
    return await tryOut(diff, fixable, { ...options, apart, cwd, folder, temporary });
  } catch (error) {
    options.signal.throwIfAborted();
    return none((error as Error).message);
  } finally {
    rmSync(own, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Place extends MendOptions {
  cwd: string;
  /** Of the copy. */
  folder: string;
  /** What the test leaves here goes with the copy, also where it is ended. */
  temporary: string;
}

async function tryOut(diff: string, fixable: Fixable, place: Place): Promise<Mending> {
  const { cwd, folder } = place;
  const root = projectOf(cwd);
  const { file } = fixable.site as { file: string };
  const inside = path.relative(root, file);
  if (inside.startsWith('..') || inside.split(path.sep).includes('node_modules')) {
    return none('its file is not of this project');
  }
  const refusal = copyProject(root, folder, place.apart ?? []);
  if (refusal !== null) return none(refusal);
  const copy = path.join(folder, inside);
  // a link, of it or of a folder above it, leads out of the copy
  if (realpathSync(copy) !== copy) return none('its file is not of this project');
  const run = () => runTest({ ...place, cwd: path.join(folder, path.relative(root, cwd)) });
  const red = await run();
  if (red.isGreen || !RED.test(red.output))
    return none('the test that goes with it does not show it in a copy of this project');
  if (!change(copy, fixable)) return none('its file does not read as it ran');
  const green = await run();
  if (green.isGreen) return { diff, sentence: 'The test that goes with it was red, and is green with this change.' };
  const still = RED.test(green.output) ? 'something still stays open' : 'the test that goes with it fails otherwise';
  return none(`with the change that seemed right, ${still}`);
}

function none(why: string): Mending {
  return { diff: null, sentence: `No patch: ${why}.` };
}

function fixableOf({ nature, library, site }: Loss): Fixable {
  const { excerpt } = placeOf(site, new Sources());
  return {
    ...{
      nature,
      library,
      kind: NATURES[nature].kind,
      detector: 'fail-path',
      origin: 'user',
      stack: [],
      recipe: null,
      fix: null,
    },
    site: { ...site, function: '' },
    excerpt,
  };
}

/** Whether the file still was what the change was made for. */
function change(file: string, fixable: Fixable): boolean {
  const fix = suggestFix(fixable);
  const lines = readFileSync(file, 'utf8').split('\n');
  const { after = 0, before = [], now = [] } = fix ?? {};
  if (fix === null || lines.slice(after, after + before.length).join('\n') !== before.join('\n')) return false;
  lines.splice(after, before.length, ...now);
  writeFileSync(file, lines.join('\n'));
  return true;
}

async function runTest({
  test,
  cwd,
  temporary,
  limitMs,
  signal,
}: Place): Promise<{ isGreen: boolean; output: string }> {
  const folder = path.join(cwd, '.outlive-mend');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'mend.test.mjs');
  writeFileSync(file, test);
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...others } = process.env;
  const env = { ...others, TMPDIR: temporary, TMP: temporary, TEMP: temporary };
  const child = spawn(process.execPath, ['--test-reporter=tap', file], {
    ...{ cwd, env, signal, timeout: Math.ceil(limitMs), stdio: ['ignore', 'pipe', 'pipe'] },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  let failure: Error | null = null;
  child.on('error', (error) => {
    failure = error;
  });
  // one that is ended is waited for, too: it still writes
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (failure !== null) throw failure;
  return { isGreen: code === 0, output };
}
