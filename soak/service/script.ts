/** A module of the user's that drives the service itself, one call a round. */
import { mask } from '../../probe/recording/mask.ts';
import { UserError } from '../../user-error.ts';
import { loadModule } from '../load-module.ts';
import type { Given } from './load.ts';
import type { Target } from './targets.ts';

/** What the default export of a script is called with. */
export interface ScriptContext {
  /** The first --url, or undefined without one. */
  url: string | undefined;
  urls: string[];
  /** From 1; 0 is the warm-up. */
  round: number;
  rounds: number;
  /** Aborted when the soak is interrupted or the service has ended. */
  signal: AbortSignal;
}

/** Resolves when the round is done; a number says how many requests it made. */
export type Script = (context: ScriptContext) => Promise<number | undefined>;

export type Drive = (round: Omit<ScriptContext, 'url' | 'urls'> & { targets: readonly Target[] }) => Promise<Given>;

/** Throws `UserError`. */
export async function loadScript(file: string): Promise<Drive> {
  const { default: script } = (await loadModule(file)) as { default?: Script };
  if (typeof script !== 'function') throw new UserError(`${file} has no function as its default export.`);
  return async ({ targets, ...context }) => {
    const urls = targets.map(({ url }) => url.href);
    try {
      const requests = await script({ ...context, url: urls[0], urls });
      return given(typeof requests === 'number' ? requests : 0, 0);
    } catch (error) {
      if (context.signal.aborted) return given(0, 0);
      throw new UserError(
        `${file} failed in round ${context.round}: ${mask(String((error as Error)?.message ?? error), 300)}.`,
      );
    }
  };
}

function given(requests: number, failed: number): Given {
  return { requests, targets: [{ target: 0, statuses: { done: 1 }, failed }], errors: 0, latency: null };
}
