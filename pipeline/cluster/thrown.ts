/** What the code of a job threw: an error of this context or another, or anything else, which even to ask may throw. */

/** Characters that are kept of it. */
const MOST = 10_000;

/** With its stack, if it has one. */
export function textOfThrown(thrown: unknown): string {
  return attempt(() => String((thrown as Error | null | undefined)?.stack ?? thrown));
}

/** `TypeError: no such table`. */
export function lineOfThrown(thrown: unknown): string {
  return attempt(() => {
    const { name = 'Error', message = thrown } = (thrown ?? {}) as Partial<Error>;
    return `${name}: ${String(message)}`.split('\n')[0] as string;
  });
}

function attempt(say: () => string): string {
  try {
    return say().slice(0, MOST);
  } catch {
    return 'Error: it has no words';
  }
}
