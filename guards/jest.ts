/**
 * Jest, with its usual runner: `testRunner: 'outlive/jest'`. Jest loads libraries by itself, anew for each file, and so
 * tells of each; tests and hooks are wrapped once all are known. Mocha's and Jasmine's way of running is not known here.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { GUARD, startGuard } from './core.ts';
import { CircusGuard, type Event, type State } from './jest/circus.ts';
import { type Reading, watchEsModules } from './jest/es-modules.ts';
import { type Runtime, watchRuntime } from './jest/runtime.ts';

interface Environment {
  global: { setTimeout: unknown; [GUARD]?: unknown };
  handleTestEvent?(event: Event, state: State): unknown;
}

/** A run that watches goes on for ever. */
interface GlobalConfig {
  watch?: boolean;
  watchAll?: boolean;
}

type TestRunner = (
  globalConfig: GlobalConfig,
  config: { rootDir: string },
  environment: Environment,
  runtime: Runtime & Reading,
  ...rest: unknown[]
) => Promise<unknown>;

const { setTimeout: originalSetTimeout } = globalThis;

let runtimeNow: { original: ReturnType<typeof watchRuntime> } | null = null;
const guard = startGuard({ showsCode: true, original: (frame) => runtimeNow?.original(frame) ?? null });

const run: TestRunner = async (globalConfig, config, environment, runtime, ...rest) => {
  guard.unwatchEnd();
  runtimeNow = { original: watchRuntime(guard, runtime) };
  const circus = new CircusGuard(guard);
  const { handleTestEvent } = environment;
  // for what its tests say to it
  environment.global[GUARD] = guard;
  watchEsModules(guard, runtime, environment.global, config.rootDir);
  const putBack = giveOwnTimer(environment);
  environment.handleTestEvent = (event, state) => {
    putBack();
    const own = handleTestEvent?.call(environment, event, state);
    const told = () => circus.told(event, state);
    return isThenable(own) ? Promise.resolve(own).then(told) : told();
  };
  try {
    return await circusOf(config.rootDir)(globalConfig, config, environment, runtime, ...rest);
  } finally {
    if (!globalConfig.watch && !globalConfig.watchAll) guard.watchEnd();
  }
};

/** A promise may be of the tests’ own world. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}

/**
 * Jest sets a timer for each test and hook, by what it finds at its start, before its first event: those are not the
 * tests' and need no account. Returns what puts the tests' own back.
 */
function giveOwnTimer({ global }: Environment): () => void {
  const given = global.setTimeout;
  if (given !== setTimeout) return () => {};
  global.setTimeout = originalSetTimeout;
  return () => {
    if (global.setTimeout === originalSetTimeout) global.setTimeout = given;
  };
}

/** The project's, or the one beside the Jest that runs. */
function circusOf(rootDir: string): TestRunner {
  for (const from of [path.join(rootDir, 'package.json'), process.argv[1] ?? '', __filename]) {
    try {
      const circus = createRequire(from)('jest-circus/runner') as TestRunner | { default: TestRunner };
      return 'default' in circus ? circus.default : circus;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new Error('outlive/jest needs the package jest-circus: npm install --save-dev jest-circus.');
}

export default run;
