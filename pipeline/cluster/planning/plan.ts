/**
 * Plans a submitted job: its module is loaded, and says what is to be run. In a context of the job manager's own thread
 * what the module leaves behind stays in the job manager; in a Worker it ends with the Worker, whatever it left.
 */
import { Worker } from 'node:worker_threads';
import { Refused } from '../refused.ts';
import { lineOfThrown } from '../thrown.ts';
import { HeapRoom } from './heap-room.ts';
import { type JobPlan, loadInContext } from './module-context.ts';
import { asPlanned } from './thrown-later.ts';

export const PLANNINGS = ['worker', 'context'] as const;
export type Planning = (typeof PLANNINGS)[number];

export interface PlanRequest {
  file: string;
  options: unknown;
  /** Milliseconds; a module that needs longer is refused. */
  limitMs: number;
  ownPackages?: readonly string[];
}

const SUFFIX = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const WORKER_MEMORY_MB = 128;
/** Of a plan's options, as JSON: every lane gets them. */
const MOST_OPTIONS_KB = 1024;

/** Throws `Refused`. */
export async function planInWorker(request: PlanRequest): Promise<JobPlan> {
  const worker = new Worker(new URL(`./plan-worker.${SUFFIX}`, import.meta.url), {
    workerData: request,
    resourceLimits: { maxOldGenerationSizeMb: WORKER_MEMORY_MB },
    stdout: true,
    stderr: true,
  });
  try {
    return await within(
      request.limitMs,
      new Promise<JobPlan>((resolve, reject) => {
        // code of the module's own may post as well
        worker.on('message', (message: { plan?: JobPlan; error?: string } | null) => {
          const { plan, error } = message ?? {};
          if (plan) resolve(plan);
          else if (error) reject(new Refused(400, 'broken-module', error));
        });
        // whatever the module threw
        worker.once('error', (error: NodeJS.ErrnoException | null | undefined) =>
          reject(
            error?.code === 'ERR_WORKER_OUT_OF_MEMORY'
              ? new Refused(
                  503,
                  'out-of-memory',
                  `The job's module needs more than ${WORKER_MEMORY_MB} MB to be planned.`,
                )
              : new Refused(400, 'broken-module', wordsOf(error)),
          ),
        );
        worker.once('exit', () => reject(new Refused(400, 'broken-module', 'The module ended its thread.')));
      }),
    );
  } finally {
    await worker.terminate();
  }
}

/** Plans in this thread. Refuses when its heap has no room for one more. */
export class ContextPlanner {
  readonly #room: HeapRoom;

  constructor(limitBytes?: number) {
    this.#room = new HeapRoom(limitBytes);
  }

  plan({ file, options, limitMs, ownPackages }: PlanRequest): Promise<JobPlan> {
    return this.#room.take(async () => {
      try {
        return await asPlanned(file, async () => {
          const module = loadInContext(file, { limitMs, ...(ownPackages && { ownPackages }) });
          // its own: what it does to them stays with it
          return planOf(await within(limitMs, Promise.resolve(module.plan?.(structuredClone(options)))));
        });
      } catch (error) {
        throw error instanceof Refused ? error : refusalOf(error as NodeJS.ErrnoException | null, limitMs);
      }
    });
  }
}

/** What a module said, checked. */
export function planOf(value: unknown): JobPlan {
  if (value === undefined) return { parallelism: 1 };
  const { parallelism, options } = (value ?? {}) as Partial<JobPlan>;
  if (!(Number.isInteger(parallelism) && (parallelism as number) >= 1 && (parallelism as number) <= 1024))
    throw new Refused(400, 'broken-module', 'The module\'s plan has no "parallelism" from 1 to 1024.');
  const broken = (why: string) => new Refused(400, 'broken-module', `The module's plan has "options" ${why}.`);
  let text: string | undefined;
  try {
    text = JSON.stringify(options);
  } catch (error) {
    throw broken(`that are no plain data: ${lineOfThrown(error)}`);
  }
  if ((text?.length ?? 0) > MOST_OPTIONS_KB * 1024) throw broken(`of more than ${MOST_OPTIONS_KB} kB`);
  return { parallelism: parallelism as number, options };
}

function refusalOf(error: NodeJS.ErrnoException | null | undefined, limitMs: number): Refused {
  if (error?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return endless(limitMs);
  return new Refused(400, 'broken-module', wordsOf(error));
}

export function wordsOf(error: unknown): string {
  return `The module cannot be planned: ${lineOfThrown(error)}.`;
}

function endless(limitMs: number): Refused {
  return new Refused(400, 'endless-module', `The module was not planned within ${limitMs / 1000} s.`);
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(endless(limitMs)), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
