/**
 * What borrowers leave in the sessions that they give back: a lock, a changed setting, LISTEN. Whoever takes the
 * connection next has it so.
 *
 * The driver's adapter tells of statements, whichever pool lends the connection; the desk of what is lent and given back.
 * Of a statement in between, the lease that is out then is to answer: unless it is seen that others made it, as a pool's
 * own connect event does.
 *
 * What nobody used before it was undone ends with that. Whose session others used as it was has done its harm, and stays.
 */

import { type Account, Resource, type Source } from '../../account/ledger.ts';
import type { Site } from '../../account/site.ts';
import type { AdapterName, LeftNature } from '../../adapters.ts';
import type { Method } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';
import { microtask, now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import { ownValue } from '../pools/peer.ts';
import { isGranted } from './answers.ts';
import type { Answered, Driver, Statement } from './driver.ts';
import { type Effect, effectsOf } from './effects.ts';
import { Helpers } from './helpers.ts';
import { KnownSession, type Leaving, type Left } from './session.ts';

/** Sooner than this the end of a session counts as its borrower's: pools discard broken ones. */
const DISCARD_MS = 1000;
/** Of one line, that are undone or whose sessions have ended, and whose harm is done. */
const MAX_ENDED = 100;
/** Of one session: more is not followed. */
const MAX_LEFT = 1000;

/** For the adapter of a driver: from now on what its sessions are told is followed. */
export function sessionsOf(desk: Desk): Sessions {
  desk.sessions ??= new Sessions(desk);
  return desk.sessions as Sessions;
}

export class Sessions {
  readonly #desk: Desk;
  /** Set once for each connection: a weak map that changes all the time is work for the garbage collector. */
  readonly #known: WeakMap<object, KnownSession> = new WeakMap();
  readonly #sources: Map<string, Source> = new Map();
  readonly #helpers = new Helpers();
  /** Of what was given back so far. */
  readonly #accounts: Set<Account> = new Set();
  /** Whether anything was ever left: until then ordinary statements are of no interest. */
  #isAnyLeft = false;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** A pool lends `connection`. */
  lent(connection: unknown, lease: Resource): void {
    if (typeof connection !== 'object' || connection === null) return;
    const session = this.#known.get(connection) ?? this.#knownOf(driven(connection));
    session.lease = lease;
    session.lent++;
    session.isUsed = false;
    lease.session = session;
  }

  #knownOf(connection: object): KnownSession {
    let session = this.#known.get(connection);
    if (!session) {
      session = new KnownSession(connection, this.#givenBack);
      this.#known.set(connection, session);
    }
    return session;
  }

  /**
   * Whether a statement is to be told of: false of one that is known to do nothing, as long as nothing was left. `idle`:
   * one of which this was false, for a shorter way.
   */
  concerns({ dialect }: Driver, text: string, idle: string | null = null): boolean {
    // only after something was left others are compared with it
    return this.#isAnyLeft || (text !== idle && !dialect.idle.has(text));
  }

  /** A statement is given to `connection` by a call to `wrapper`. Null: its answer tells nothing. */
  says(statement: Statement, wrapper: Method): Answered | null {
    const { connection, text, values, driver } = statement;
    const effects = effectsOf(text, values, driver.dialect);
    if (this.#helpers.compares) this.#compare(effects, statement, wrapper);
    if (effects.length === 0 && !this.#isAnyLeft) return null;
    const session = this.#known.get(connection);
    if (session && !session.isToldOf) {
      session.isToldOf = true;
      this.#desk.stakes.lent++;
      // whoever lends it may only have counted the lease until now
      if (session.lease === null) this.#desk.ledger.enterCounted();
    }
    if (!session?.lease || session.lease.closed) return null;
    if (effects.length === 0) {
      this.#isUsed(session, session.lease);
      return null;
    }
    const entered = effects.flatMap((effect) => this.#has(session, effect, statement, wrapper));
    return entered.length === 0 ? null : this.#answered(session, entered);
  }

  /** Where one is written that is sent later, as far as that is of interest. */
  siteOf({ driver, text, values }: Omit<Statement, 'connection'>, wrapper: Method): Site | null {
    const leaving = effectsOf(text, values, driver.dialect).find((effect) => effect.does === 'leave');
    if (leaving) return this.#desk.callTo(this.#sourceOf(driver.part, leaving.nature), wrapper);
    return this.#helpers.compares ? this.#desk.siteHere(wrapper) : null;
  }

  /** The session is as new: the driver had it reset. */
  isReset(connection: object): void {
    const session = this.#known.get(connection);
    if (session) this.#undo(session, () => true);
  }

  /** What its borrower left is the next one's now. */
  readonly #givenBack = (session: KnownSession, lease: Resource, wrapper: Method): void => {
    const own = session.left.filter((left) => left.lease === lease && left.resource === null && !left.isPending);
    // what a transaction takes along that is open as well, is told of as that
    for (const left of own) if (!(left.isInTransaction && left.goesByRollback)) this.#open(session, left, wrapper);
  };

  /** What the session has more by the effect. */
  #has(session: KnownSession, effect: Effect, statement: Statement, wrapper: Method): Left[] {
    switch (effect.does) {
      case 'begin':
        session.isInTransaction = true;
        return [];
      case 'commit':
        session.endTransaction();
        return [];
      case 'roll back':
        this.#rollBack(session, 0);
        session.endTransaction();
        return [];
      case 'save':
        session.savepoints.set(effect.name, session.count);
        return [];
      case 'roll back to':
        this.#rollBack(session, session.savepoints.get(effect.name) ?? Number.POSITIVE_INFINITY);
        return [];
      case 'undo':
        this.#undoes(session, effect);
        return [];
      case 'leave':
        return this.#leaves(session, effect, statement, wrapper);
    }
  }

  /** To where the session had had so many things. */
  #rollBack(session: KnownSession, to: number): void {
    this.#undo(session, (left) => left.isInTransaction && left.goesByRollback && left.number >= to);
  }

  #undoes(session: KnownSession, { nature, key, keeps }: Extract<Effect, { does: 'undo' }>): void {
    const own = session.left.filter((left) => (nature ? isOf(left, nature) : true));
    if (key === null) this.#undo(session, (left) => own.includes(left) && !keeps.includes(left.key));
    else if (own[0]?.isCounted) {
      // in whatever words, one is given back
      const one = own.findLast((left) => left.key === key) ?? own.at(-1);
      this.#undo(session, (left) => left === one);
    } else this.#undo(session, (left) => own.includes(left) && left.key === key);
  }

  #leaves(session: KnownSession, effect: Leaving, statement: Statement, wrapper: Method): Left[] {
    const { lease } = session;
    if (!lease || session.left.length >= MAX_LEFT) return [];
    const { driver, text } = statement;
    const source = this.#sourceOf(driver.part, effect.nature);
    const { writtenAt: site = this.#desk.callTo(source, wrapper) } = statement;
    if (!this.#isBorrowers(lease, site)) return [];
    if (!effect.isCounted) {
      const same = session.left.find((left) => left.key === effect.key && isOf(left, effect.nature));
      if (same?.lease === lease && same.resource === null) {
        // set once more: to what it was
        if (same.value !== effect.value) this.#undo(session, (left) => left === same);
        return [];
      }
      // who listens where others have left it listening gets nothing new
      if (same?.resource && isOf(same, 'subscription')) {
        this.#harms(session, same, lease);
        return [];
      }
      if (same) this.#undo(session, (left) => left === same);
    }
    const left: Left = {
      ...effect,
      // a mapper may call in a turn of its own
      account: this.#desk.ledger.account(source, hasUser(site) ? site : lease.account.site),
      ...{ driver, lease, statement: text, isFirst: session.lent === 1, isInTransaction: session.isInTransaction },
      number: session.count++,
      ...{ isPending: effect.answer !== null, resource: null },
    };
    session.left.push(left);
    this.#isAnyLeft = true;
    if (site) {
      this.#helpers.note(site, [effect]);
      this.#helpers.begin(left.account.acquired);
    }
    return [left];
  }

  #compare(effects: readonly Effect[], statement: Statement, wrapper: Method): void {
    if (effects.some(({ does }) => does === 'leave')) return;
    const { writtenAt: site = this.#desk.siteHere(wrapper) } = statement;
    if (!site) return;
    this.#helpers.note(site, effects);
    for (const account of this.#accounts) this.#blame(account);
  }

  /** Past the service's own helpers, as far as they are known by now. */
  #blame(account: Account): void {
    const depth = account.site ? this.#helpers.depthOf(account.site) : 0;
    if (depth === account.depth) return;
    account.depth = depth;
    account.line.changes++;
  }

  /** False: of others than the borrower, as far as is seen: a pool's own connect event. */
  #isBorrowers(lease: Resource, site: Site | null): boolean {
    const borrowed = lease.account.site;
    if (site === null || borrowed === null || this.#desk.flows.isHolding(lease)) return true;
    if (!hasUser(site) || !hasUser(borrowed)) return true;
    const functions = new Set(borrowed.user.map((index) => borrowed.functions[index]));
    return site.user.some((index) => site.functions[index] !== '' && functions.has(site.functions[index]));
  }

  #undo(session: KnownSession, isUndone: (left: Left) => boolean): void {
    const { ledger } = this.#desk;
    for (const left of session.left.filter(isUndone)) {
      session.left.splice(session.left.indexOf(left), 1);
      const { account, resource } = left;
      if (resource === null) ledger.pass(account);
      else if (resource.uses === 0 || account.open.size > MAX_ENDED) {
        ledger.close(resource, now());
        session.harmful = session.harmful.filter((other) => other.resource !== resource);
      }
    }
  }

  /** Somebody works in the session as others left it. */
  #isUsed(session: KnownSession, lease: Resource): void {
    if (session.isUsed) return;
    session.isUsed = true;
    for (const left of session.left) this.#harms(session, left, lease);
  }

  /** `lease` has the session as `left` it. */
  #harms(session: KnownSession, left: Left, lease: Resource): void {
    if (left.resource === null || left.lease === lease) return;
    // who sets up a session at its first use has it so ever after
    if (left.isFirst && left.lease.account.line === lease.account.line) return;
    if (left.resource.uses++ === 0) session.harmful.push(left);
    left.resource.lastUsedAt = now();
  }

  #open(session: KnownSession, left: Left, wrapper: Method): void {
    const { ledger } = this.#desk;
    const { account, driver, key, lease, statement } = left;
    this.#accounts.add(account);
    this.#blame(account);
    const told = session.harmful.find((other) => other.account === account && other.key === key);
    if (told) {
      left.resource = told.resource;
      ledger.pass(account);
      return;
    }
    const at = now();
    const resource = new Resource(account, lease.scope, at, { isGone: this.#isGone(session.ref, left, at) });
    resource.leftBy = { statement, backAt: this.#desk.siteHere(wrapper) };
    left.resource = resource;
    ledger.open(resource);
    // a pool that destroys what comes back does so now
    microtask(() => guarded(driver.part, () => this.#lives(session, resource, driver)));
  }

  #lives({ ref }: KnownSession, resource: Resource, { isAlive }: Driver): void {
    const connection = ref.deref();
    if (!connection || !isAlive(connection)) this.#desk.ledger.forget(resource, now());
  }

  #answered(session: KnownSession, entered: readonly Left[]): Answered {
    const never = (left: Left): void => {
      const at = session.left.indexOf(left);
      if (at >= 0) session.left.splice(at, 1);
      if (left.resource !== null) this.#desk.ledger.forget(left.resource, now());
    };
    return {
      fails: () => entered.forEach(never),
      succeeds: (rows) => {
        for (const left of entered) {
          if (left.answer !== null && left.isPending && !isGranted(rows, left.answer)) never(left);
          left.isPending = false;
        }
      },
    };
  }

  /** The session's end takes all along; what was harmful by then, or lay there for long, was so nevertheless. */
  #isGone(ref: WeakRef<object>, left: Left, at: number): () => boolean {
    const { account, driver } = left;
    let isTold = false;
    return () => {
      const connection = ref.deref();
      if (connection && driver.isAlive(connection)) return false;
      if (account.open.size > MAX_ENDED) return true;
      isTold ||= (left.resource?.uses ?? 0) > 0 || now() - at > DISCARD_MS;
      return !isTold;
    };
  }

  #sourceOf(part: AdapterName, nature: LeftNature): Source {
    const key = `${part} ${nature}`;
    const known = this.#sources.get(key);
    if (known) return known;
    const source = this.#desk.source({ adapter: part, nature, library: part });
    this.#sources.set(key, source);
    return source;
  }
}

function hasUser(site: Site | null): site is Site {
  return site?.stack[site.user[0] ?? -1]?.user === true;
}

/** What mysql2 hands out by promise is not what its statements are given to. */
function driven(connection: object): object {
  const inner = ownValue(connection, 'connection');
  return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, '_internalId') ? inner : connection;
}

function isOf(left: Left, nature: LeftNature): boolean {
  return Object.is(left.nature, nature);
}
