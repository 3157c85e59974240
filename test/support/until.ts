import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again and again until `condition` gives something truthy, and returns it. Throws when that takes longer than
 * `withinMs`, naming `what` was waited for: "the service to listen".
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { withinMs = 30_000 } = {},
): Promise<Exclude<T, false | null | undefined>> {
  for (const began = performance.now(); ; await sleep(20)) {
    const answer = await condition();
    if (answer) return answer as Exclude<T, false | null | undefined>;
    if (performance.now() - began > withinMs) throw new Error(`Waited ${withinMs / 1000} s in vain for ${what}.`);
  }
}
