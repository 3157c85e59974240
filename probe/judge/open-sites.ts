/** What is known of a line that has something open, whether or not anything is found there. */
import type { Account, Resource } from '../account/ledger.ts';
import type { OpenSite } from '../recording/format.ts';
import type { Group } from './detectors/detector.ts';

export class OpenSiteCount {
  #open = 0;
  #busy = 0;
  #unscoped = 0;
  #running = 0;
  #lost = 0;
  #leftBehind = 0;
  #unusedSince = Number.POSITIVE_INFINITY;
  #oldest = Number.POSITIVE_INFINITY;
  #unref = 0;
  #stale = 0;
  #late = 0;
  readonly #at: number;
  /** Idle for longer, milliseconds: it stays. */
  readonly #patience: number;
  /** How many were opened on something of each account. */
  #owners: Map<Account, number> | null = null;

  constructor(at: number, patience: number) {
    this.#at = at;
    this.#patience = patience;
  }

  add(resource: Resource): void {
    const { scope, lastUsedAt, openedAt, isBusy, owner, keepsAlive } = resource;
    this.#open++;
    if (isBusy?.() === true) this.#busy++;
    if (scope === null) this.#unscoped++;
    else if (scope.ended === 0) this.#running++;
    if (resource.hasLostFlow) this.#lost++;
    if (resource.isLeftBehind) this.#leftBehind++;
    if (lastUsedAt < this.#unusedSince) this.#unusedSince = lastUsedAt;
    if (openedAt < this.#oldest) this.#oldest = openedAt;
    if (keepsAlive?.() === false) this.#unref++;
    if (this.#at - lastUsedAt > this.#patience && isBusy?.() !== true) {
      this.#stale++;
      if (openedAt > this.#at / 2) this.#late++;
    }
    if (owner === null || owner.closed) return;
    this.#owners ??= new Map();
    this.#owners.set(owner.account, (this.#owners.get(owner.account) ?? 0) + 1);
  }

  /** Whose resources most of them were opened on. */
  get owner(): Account | null {
    const [most] = [...(this.#owners ?? [])].sort(([, a], [, b]) => b - a);
    return most?.[0] ?? null;
  }

  of({ source, accounts, frame, acquired, released, history, floors }: Group, at: number): OpenSite {
    return {
      site: accounts[0]?.site?.id ?? -1,
      frame,
      kind: source.nature.kind,
      library: source.library,
      acquired,
      released,
      open: this.#open,
      busy: this.#busy,
      unscoped: this.#unscoped,
      running: this.#running,
      lost: this.#lost,
      leftBehind: this.#leftBehind,
      unref: this.#unref,
      ...(accounts[0]?.isBefore && { before: true }),
      ...(this.#stale > 0 && { stale: { count: this.#stale, late: this.#late, nature: source.natureName } }),
      owner: null,
      oldestMs: Math.round(Math.max(0, at - this.#oldest)),
      idleMs: Math.round(Math.max(0, at - this.#unusedSince)),
      uses: history.uses,
      longestUseMs: Math.round(history.longestUse * 10) / 10,
      inFlow: history.inFlow,
      afterScope: history.afterScope,
      windows: floors.points.length,
    };
  }
}
