/**
 * Loads a job's module in a native context of its own, as Flink loads a job's classes by a class loader of its own:
 * what the module keeps is its own, and goes when nothing holds the context any more. Whatever outlives the job, a timer
 * or a socket, holds all of it.
 *
 * Node.js has no metaspace: contexts lie on the heap of the thread that loads them.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { type Context, createContext, Script } from 'node:vm';

/** What a module of a job exports, as CommonJS. */
export interface JobModule {
  /** What is to be run; it may ask the database first. */
  plan?(options: unknown): JobPlan | Promise<JobPlan>;
}

/** Plain data. */
export interface JobPlan {
  /** Lanes. */
  parallelism: number;
  /** Given to every lane. */
  options?: unknown;
}

export interface Loading {
  /** Milliseconds until its top level must have ended. */
  limitMs: number;
  /** Packages that each context loads anew; all others are loaded once, by the thread. */
  ownPackages?: readonly string[];
}

/** Globals of Node.js that a context does not have by itself. */
const GLOBALS = [
  ...['AbortController', 'AbortSignal', 'Buffer', 'TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams'],
  ...[
    'clearImmediate',
    'clearInterval',
    'clearTimeout',
    'console',
    'fetch',
    'performance',
    'process',
    'queueMicrotask',
  ],
  ...['setImmediate', 'setInterval', 'setTimeout', 'structuredClone', 'crypto'],
] as const;

/** Throws what the module throws, and `ERR_SCRIPT_EXECUTION_TIMEOUT`. */
export function loadInContext(file: string, { limitMs, ownPackages = [] }: Loading): JobModule {
  const given: Record<string, unknown> = Object.fromEntries(GLOBALS.map((name) => [name, globalThis[name]]));
  const context = createContext(given, { name: `job ${file}` });
  given.global = given;
  return new ModuleLoader(context, limitMs, ownPackages).load(file) as JobModule;
}

const CALL = new Script('outliveRun.apply(outliveArgs[0], outliveArgs)');

class ModuleLoader {
  readonly #context: Context;
  readonly #limitMs: number;
  readonly #own: readonly string[];
  readonly #loaded = new Map<string, { exports: unknown }>();

  constructor(context: Context, limitMs: number, own: readonly string[]) {
    this.#context = context;
    this.#limitMs = limitMs;
    this.#own = own;
  }

  load(file: string): unknown {
    const known = this.#loaded.get(file);
    if (known) return known.exports;
    const module = { exports: {} as unknown };
    this.#loaded.set(file, module);
    const text = readFileSync(file, 'utf8');
    if (file.endsWith('.json')) {
      module.exports = JSON.parse(text);
      return module.exports;
    }
    const wrapper = `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
    const run = new Script(wrapper, { filename: file }).runInContext(this.#context);
    const args = [module.exports, this.#requireFrom(file), module, file, dirname(file)];
    // called from inside the context, where its time is limited
    Object.assign(this.#context, { outliveRun: run, outliveArgs: args });
    try {
      CALL.runInContext(this.#context, { timeout: this.#limitMs });
    } finally {
      Object.assign(this.#context, { outliveRun: undefined, outliveArgs: undefined });
    }
    return module.exports;
  }

  #requireFrom(file: string): (name: string) => unknown {
    const require = createRequire(file);
    return (name) => {
      const path = require.resolve(name);
      const isOwn = name.startsWith('.') || this.#own.some((own) => path.includes(`/node_modules/${own}/`));
      return isOwn && /\.(c?js|json)$/.test(path) ? this.load(path) : require(name);
    };
  }
}
