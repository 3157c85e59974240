/** From a pid to what is open there: the probe is loaded into each thread, asked, kept for a while, and taken back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { VisitOptions } from '../probe/attach/visit.ts';
import { UserError } from '../user-error.ts';
import { Guest } from './guest.ts';
import type { Places } from './hand-over.ts';
import { Gone, type Inspector, type Thread, Unanswered } from './inspector.ts';
import { isClosed, type Opened, openInspector } from './open.ts';
import { factsOf, type ProcessFacts } from './proc.ts';
import { tooOld } from './version.ts';
import { whereHeld } from './where-held.ts';

/** A program whose event loop is held for longer does not answer. */
const ANSWER_MS = 3000;
/** Threads tell that they are there at once; what holds their loop may not. */
const WORKERS_MS = 100;
/** How long pools have to show themselves before the first proof: they do when they are next asked. */
const SHOW_MS = 1000;
const STEP_MS = 500;
/** A pool that runs out again is healed again, for at most this share of the time. */
const HEAL_SHARE = 0.25;
const CLOSED_WITHIN_MS = 3000;
const OPENINGS = 3;

export interface AttachOptions extends Pick<VisitOptions, 'settings'> {
  /** Where the process writes, and finds the probe. */
  places: Places;
  forMs: number;
  heals: boolean;
  /** Only what is open: nothing is collected. */
  isList: boolean;
  /** Megabytes of heap up to which a snapshot tells who holds what is not lost; 0: none. */
  snapshotMaxMb: number;
  /** To leave before its time. */
  signal: AbortSignal;
  /** Something is proven, or not. */
  told(guests: readonly Guest[]): void;
}

export interface Outcome {
  guests: readonly Guest[];
  /** Of a process that is under the probe already: where that writes; it has judged just now. */
  probedInto: string | null;
  /** The process ended meanwhile. */
  hasEnded: boolean;
  /** The inspector is closed again, or was never ours to close. */
  isClosed: boolean;
}

/** Throws `UserError` with what is in the way; the process is then as it was. */
export async function attach(facts: ProcessFacts, options: AttachOptions): Promise<Outcome> {
  const { inspector, isOurs, probedInto } = await arrive(facts);
  let guests: Guest[] = [];
  let hasLeft = false;
  let hasEnded = false;
  try {
    if (probedInto === null) {
      const { places, settings } = options;
      const visit = { folder: places.folder, settings, closesInspector: isOurs };
      guests = await begin(inspector, facts, places.probe, visit);
      await stay(guests, options);
      guests = await each([...guests].reverse(), (guest) => guest.leave());
      hasLeft = true;
    }
    return { guests, probedInto, hasEnded, isClosed: true };
  } catch (error) {
    if (error instanceof Unanswered) throw new UserError(await held(inspector.main, facts));
    if (!(error instanceof Gone)) throw error;
    hasEnded = true;
    return { guests, probedInto: null, hasEnded, isClosed: true };
  } finally {
    if (!hasLeft && !hasEnded) await retreat({ inspector, isOurs });
    else inspector.close();
    if (isOurs) await isClosed(facts, CLOSED_WITHIN_MS);
  }
}

/** Only then is it known where the program's file does not tell. Closing the inspector could end it. */
class TooOld extends UserError {}

interface Arrived extends Opened {
  /** Where the probe writes that is there already; null: none is. */
  probedInto: string | null;
}

/** An inspector that was found open may be closing: the probe of a killed `outlive` leaves. Then it is opened anew. */
async function arrive(facts: ProcessFacts): Promise<Arrived> {
  for (let tries = OPENINGS; ; tries--) {
    const opened = await openInspector(facts);
    try {
      return { ...opened, probedInto: await greet(opened.inspector.main, facts) };
    } catch (error) {
      if (error instanceof Unanswered) {
        const where = await held(opened.inspector.main, facts);
        await retreat(opened);
        throw new UserError(where);
      }
      const isClosing = error instanceof Gone && factsOf(facts.pid) !== null;
      if (isClosing || error instanceof TooOld) opened.inspector.close();
      else await retreat(opened);
      if (!isClosing || tries === 1) {
        throw error instanceof Gone ? new UserError(`Process ${facts.pid} has ended, or closed its inspector.`) : error;
      }
    }
  }
}

async function retreat({ inspector, isOurs }: Opened): Promise<void> {
  if (isOurs) await inspector.main.evaluate(CLOSE, { withinMs: ANSWER_MS }).catch(() => {});
  inspector.close();
}

/** When there is time for it, and whatever Node.js it is. */
const CLOSE = 'void setTimeout(() => process._debugEnd(), 50)';

const GREETING = `({
  pid: process.pid,
  isVisited: Object.hasOwn(globalThis, Symbol.for('outlive.visit')),
  isProbed: Object.hasOwn(globalThis, Symbol.for('outlive.probe')),
  folder: globalThis[Symbol.for('outlive.probe')]?.folder ?? null,
})`;

interface Greeting {
  pid: number;
  isVisited: boolean;
  isProbed: boolean;
  folder: string | null;
}

/** Null: nobody of ours is there. Else where the probe that is there writes. */
async function greet(main: Thread, { pid, ownPid }: ProcessFacts): Promise<string | null> {
  // asked as any Node.js can answer, at any time
  const { value } = await main.evaluate('process.version', { withinMs: ANSWER_MS });
  const complaint = tooOld(pid, String(value));
  if (complaint !== null) throw new TooOld(`${complaint} Its inspector stays open on the loopback until it ends.`);
  const there = await main.run<Greeting>(GREETING, ANSWER_MS);
  if (there.pid !== ownPid) throw new UserError(`The inspector that was found is of process ${there.pid}, not ${pid}.`);
  if (there.isVisited) throw new UserError(`Another outlive is attached to process ${pid}: wait until it has left.`);
  if (!there.isProbed) return null;
  if (there.folder === null) throw new UserError(`Process ${pid} is under another version of the probe.`);
  const judge = "globalThis[Symbol.for('outlive.probe')].checkpoint({ withinMs: 0 }).then(() => null)";
  await main.evaluate(judge, { awaits: true });
  return there.folder;
}

async function begin(
  inspector: Inspector,
  { pid }: ProcessFacts,
  probe: string,
  options: VisitOptions,
): Promise<Guest[]> {
  const main = await Guest.begin(inspector.main, probe, options).catch((error: Error) => {
    if (error instanceof Gone || error instanceof Unanswered) throw error;
    throw new UserError(`The probe cannot be loaded into process ${pid}: ${error.message.split('\n')[0]}.`);
  });
  const guests = [main];
  await inspector.findWorkers();
  await sleep(WORKERS_MS);
  for (const thread of inspector.workers.values()) {
    try {
      guests.push(await Guest.begin(thread, probe, options, ANSWER_MS));
    } catch {
      await main.unseen(thread.name, 'It did not answer, so that nothing of it was seen.');
    }
  }
  return guests;
}

async function stay(arrived: readonly Guest[], options: AttachOptions): Promise<void> {
  const { forMs, heals, isList, snapshotMaxMb, signal, told } = options;
  const pause = (ms: number) => sleep(ms, null, { signal }).catch(() => {});
  if (arrived.some(({ arrival }) => arrival.kinds.length > 0)) await pause(SHOW_MS);
  let guests = await each(arrived, async (guest) => {
    await guest.look();
    await guest.search();
  });
  if (isList) {
    await each(guests, (guest) => guest.look());
    return;
  }
  guests = await each(guests, (guest) => guest.prove());
  told(guests);
  for (const until = performance.now() + forMs; performance.now() < until && !signal.aborted; ) {
    await pause(Math.min(STEP_MS, Math.max(0, until - performance.now())));
    guests = await each(guests, (guest) => guest.look());
    const asked = guests.filter((guest) => guest.hasNews || (heals && guest.hasRunOut && guest.hasRested(HEAL_SHARE)));
    if (asked.length > 0) told(await each(asked, (guest) => guest.prove()));
  }
  if (snapshotMaxMb === 0) return;
  const holding = guests.filter((guest) => guest.areSomeHeld);
  await each(holding, (guest) => guest.snapshot(snapshotMaxMb));
}

/** One after the other; a worker thread that is gone or does not answer is left out from then on. */
async function each(guests: readonly Guest[], action: (guest: Guest) => Promise<unknown>): Promise<Guest[]> {
  const left: Guest[] = [];
  for (const guest of guests) {
    try {
      await action(guest);
      left.push(guest);
    } catch (error) {
      if (guest.thread.isMain) throw error;
    }
  }
  return left;
}

async function held(main: Thread, { pid }: ProcessFacts): Promise<string> {
  const where = await whereHeld(main);
  const what = where === null ? 'by something other than JavaScript' : `in ${where}`;
  return `Process ${pid} does not answer: its event loop is held ${what}.`;
}
