/**
 * Leases as spans, from acquire to release, below the span of the service that they were acquired in; the last use is an
 * event. One that is not given back has none until a finding names its line: then it gets one up to that moment.
 *
 * Errs: what no span was active for has none, and of more than some thousands in a second the rest is left out.
 */
import type { Tracer } from '@opentelemetry/api';
import type { Ledger, Resource } from '../account/ledger.ts';
import { now, wallClock } from '../process/runtime.ts';
import type { TraceContext } from '../recording/format.ts';
import { mask } from '../recording/mask.ts';
import type { ContextOf } from './instruments.ts';

/** Kept until they are next taken. */
const MOST = 2000;

export interface LeaseSpan {
  pool: string;
  library: string;
  /** Wall clock, milliseconds since 1970. */
  openedAt: number;
  lastUsedAt: number;
  endedAt: number;
  /** It was not given back by then. */
  isOpen: boolean;
  place: { file: string; line: number; function: string } | null;
  trace: TraceContext;
}

export class LeaseSpans {
  #spans: LeaseSpan[] = [];
  /** Those that have theirs. */
  readonly #told = new WeakSet<Resource>();

  ended(lease: Resource): void {
    this.#add(lease, false);
  }

  /** A finding says of a site that what is open there is not given back. */
  found(ledger: Ledger, site: number): void {
    for (const { pool, accounts } of ledger.sources) {
      if (pool === null) continue;
      for (const account of accounts.values()) {
        if (account.site?.id !== site) continue;
        for (const lease of ledger.openOf(account, now())) this.#add(lease, true);
      }
    }
  }

  take(): LeaseSpan[] {
    const spans = this.#spans;
    this.#spans = [];
    return spans;
  }

  #add(lease: Resource, isOpen: boolean): void {
    const { trace, account, openedAt, lastUsedAt } = lease;
    const { source, site } = account;
    if (trace === null || source.pool === null || this.#spans.length >= MOST || this.#told.has(lease)) return;
    this.#told.add(lease);
    const at = now();
    const ago = (then: number): number => wallClock() - (at - then);
    const frame = site?.stack[site.user[0] ?? -1];
    this.#spans.push({
      ...{ pool: source.pool.name, library: source.library, isOpen, trace },
      ...{ openedAt: ago(openedAt), lastUsedAt: ago(Math.max(openedAt, lastUsedAt)), endedAt: ago(at) },
      place: frame ? { file: frame.file, line: frame.line, function: frame.function } : null,
    });
  }
}

export function emit(spans: readonly LeaseSpan[], tracer: Tracer, contextOf: ContextOf): void {
  for (const { pool, library, openedAt, lastUsedAt, endedAt, isOpen, place, trace } of spans) {
    const attributes = {
      'db.client.connection.pool.name': mask(pool),
      'outlive.library': library,
      'outlive.open': isOpen,
      ...(place && {
        'code.file.path': place.file,
        'code.line.number': place.line,
        'code.function.name': place.function,
      }),
    };
    const span = tracer.startSpan(`lease ${mask(pool)}`, { startTime: openedAt, attributes }, contextOf(trace));
    span.addEvent('last use', lastUsedAt);
    span.end(endedAt);
  }
}
