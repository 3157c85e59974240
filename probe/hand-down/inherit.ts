/**
 * What a probed process hands down to the processes and threads it starts: where to write, who started them, and the
 * settings, whatever environment they are given. The service there never sees it: the probe takes it out of the
 * environment before the service's first line runs.
 */
import { getEnvironmentData, isMainThread, setEnvironmentData, threadId } from 'node:worker_threads';
import { HANDED_DOWN, NUMBER } from '../process/handed-down.ts';

/** Holds a secret, see control/: the service is not to see it, nor print it with its environment. */
const CONTROL = 'OUTLIVE_CONTROL';
/** Of a thread: whether its arguments begin with the preload, which nobody but the probe put there. */
const ARGUMENTS = 'outlive.arguments';

type Environment = Record<string, string | undefined>;

/** Starts the probe in the environment that is meant for it; `process.env` itself is the service's. */
export function withInheritance<T>(register: string, start: () => T): T {
  const { env } = process;
  const { [HANDED_DOWN]: handedDown, [CONTROL]: control } = env;
  if (handedDown !== undefined) takeBack(env, register);
  if (control !== undefined) delete env[CONTROL];
  if (areArgumentsHandedDown) process.execArgv = process.execArgv.slice(preload(register).length);
  // threads have the settings of their process, whatever they are given
  const ofThread = isMainThread ? undefined : (getEnvironmentData(HANDED_DOWN) as string | undefined);
  const own = isMainThread ? handedDown : ofThread;
  // else they are those of the process itself
  if (control !== undefined || own !== undefined) {
    const given = JSON.parse(own ?? '{}') as Environment;
    process.env = { ...env, ...(control !== undefined && { [CONTROL]: control }), ...given };
  }
  try {
    setEnvironmentData(HANDED_DOWN, JSON.stringify(settingsIn(process.env)));
    return start();
  } finally {
    if (process.env !== env) process.env = env;
  }
}

/** Told of each process and thread that should have a recording; `thread` 0: a process. */
export type OnStarted = (pid: number, thread: number, argv: readonly string[]) => void;

/** Variables to add, given those of the child. */
export type Inherit = (env: Environment) => Environment;

/** The variables that make a child of this process probed; call it while the probe starts. */
export function inheritance(folder: string, register: string): Inherit {
  const settings = { ...settingsIn(process.env), OUTLIVE_OUT: folder, OUTLIVE_PARENT: String(process.pid) };
  // by its number it is told later on what a child has left running; each thread counts its own
  let children = threadId * 2 ** 32;
  return ({ NODE_OPTIONS: options }) => ({
    [HANDED_DOWN]: JSON.stringify({ ...settings, [NUMBER]: String(++children) }),
    NODE_OPTIONS: isPreloaded(options, register) ? options : [options, requirement(register)].filter(Boolean).join(' '),
  });
}

const areArgumentsHandedDown = !isMainThread && getEnvironmentData(ARGUMENTS) === true;

/** Before a thread is started: whether `preload` is put before its own arguments; null: it has those of this thread. */
export function handDownArguments(arePreloaded: boolean | null): void {
  setEnvironmentData(ARGUMENTS, arePreloaded ?? areArgumentsHandedDown);
}

export function isPreloaded(options: string | undefined, register: string): boolean {
  return options?.includes(register) === true;
}

/** As arguments of Node.js. */
export function preload(register: string): string[] {
  return ['--require', register];
}

/** A copy of `options` with one property replaced. */
export function replaceIn(options: object, key: string, value: unknown): object {
  const replaced = { value, configurable: true, enumerable: true, writable: true };
  return Object.create(Object.getPrototypeOf(options), {
    ...Object.getOwnPropertyDescriptors(options),
    [key]: replaced,
  });
}

function settingsIn(env: Environment): Environment {
  const settings: Environment = {};
  for (const name of Object.keys(env)) if (name.startsWith('OUTLIVE_')) settings[name] = env[name];
  return settings;
}

function requirement(register: string): string {
  return `--require ${JSON.stringify(register)}`;
}

function takeBack(env: Environment, register: string): void {
  delete env[HANDED_DOWN];
  const options = env.NODE_OPTIONS?.replace(requirement(register), '').trimEnd();
  if (options) env.NODE_OPTIONS = options;
  else delete env.NODE_OPTIONS;
}
