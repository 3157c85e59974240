/**
 * Being told to end: by a signal, or by the death of the npm, npx, yarn or pnpm that started us. These pass a signal to
 * their shell, which dies of it and tells nobody: what it ran would go on without anybody who waits for it.
 */

/** A second one this long after the first is meant as one: npx and a terminal may each pass on the same. */
const IMPATIENT_MS = 1000;
const LOOK_MS = 100;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type Interruption = (typeof SIGNALS)[number];

export interface Interrupted {
  first(signal: Interruption): void;
  /** Somebody has no patience. */
  second(signal: Interruption): void;
}

/** Until the end of this process: nor does a signal keep the report from being written. */
export function onInterruption({ first, second }: Interrupted): void {
  let began = Number.POSITIVE_INFINITY;
  const interrupt = (signal: Interruption): void => {
    if (performance.now() - began > IMPATIENT_MS) second(signal);
    if (began === Number.POSITIVE_INFINITY) first(signal);
    began = Math.min(began, performance.now());
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  const { ppid: parent } = process;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    interrupt('SIGTERM');
  }, LOOK_MS).unref();
  // who was started by a shell may well outlive it
  if (process.env.npm_lifecycle_event === undefined) clearInterval(look);
}
