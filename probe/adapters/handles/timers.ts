/**
 * setTimeout and setInterval, global and from node:timers.
 *
 * Most timers live for a moment, so a new one goes into a short list first and only those that survive it enter the
 * ledger. Node itself marks a timer that has fired or was cleared, by whatever way (`clearTimeout(+id)`,
 * `[Symbol.dispose]()`), as destroyed; no callback is wrapped.
 */

import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import { guarded } from '../../faults.ts';
import { type Account, Resource, type Shape, type Source } from '../../ledger.ts';
import { patch } from '../../patch.ts';
import { now } from '../../runtime.ts';
import type { Scope } from '../../scope.ts';
import type { Desk } from '../adapter.ts';

const PART = 'timers';
/** Survivors are looked for after this many new timers, or when the ledger is read. */
const NURSERY = 512;

/** Node's Timeout; `_destroyed`, `_idleStart` and `_idleTimeout` are set on every supported version. */
interface NodeTimer {
  _destroyed: boolean;
  /** Loop time of the last start, milliseconds. */
  _idleStart: number;
  _idleTimeout: number;
  hasRef(): boolean;
}

export class OpenTimer extends Resource {
  readonly timer: NodeTimer;
  constructor(account: Account, scope: Scope | null, at: number, timer: NodeTimer) {
    super(account, scope, at);
    this.timer = timer;
  }
  override isGone(): boolean {
    return this.timer._destroyed;
  }
}

export function watchTimers(desk: Desk): void {
  const sources: Record<'setTimeout' | 'setInterval', { source: Source; shape: Shape }> = {
    setTimeout: { source: desk.ledger.source('timer', 'setTimeout'), shape: 'one-shot' },
    setInterval: { source: desk.ledger.source('timer', 'setInterval'), shape: 'interval' },
  };
  let nursery: OpenTimer[] = [];

  const graduate = (): void => {
    const young = nursery;
    nursery = [];
    for (const resource of young) {
      if (resource.isGone()) desk.ledger.pass(resource);
      else desk.ledger.open(resource);
    }
  };
  desk.ledger.beforeReading.push(graduate);

  for (const name of ['setTimeout', 'setInterval'] as const) {
    const isGlobal = globalThis[name] === timers[name];
    patch(timers, name, (original) => {
      return function set(this: unknown): unknown {
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        const timer = Reflect.apply(original, this, arguments);
        guarded(PART, () => {
          const { source, shape } = sources[name];
          const request = desk.request(set, shape);
          nursery.push(new OpenTimer(desk.ledger.account(source, request.site, shape), request.scope, now(), timer));
          if (nursery.length >= NURSERY) graduate();
        });
        return timer;
      };
    });
    // one function under both names, as before
    if (isGlobal) patch(globalThis, name, () => timers[name]);
  }
  syncBuiltinESMExports();
}
