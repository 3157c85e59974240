/**
 * Threads that were told by `unref()` not to hold the process open, and hold it again: the first listener to their
 * messages that is added afterwards undoes it. For how long such threads have been all that holds the process, with
 * nothing left to say: each message to them was answered, and none came unasked but a greeting.
 *
 * Errs: silent when the process is ended by anything but a timer or a signal, since a program that ends in answer to a
 * message was waiting for it; beside anything else that could hold the process, even standard input that nobody reads;
 * and about a thread that was never asked anything. Ends of a MessageChannel are not looked at: Node itself calls
 * their `unref()` when the last listener goes, which says nothing about what the program wants.
 */
import { executionAsyncResource } from 'node:async_hooks';
import type { Worker } from 'node:worker_threads';
import type { AdapterName } from '../../adapters.ts';
import { guarded } from '../../process/lapses.ts';
import { now } from '../../process/runtime.ts';

const PART = 'threads' satisfies AdapterName;
/** Silence beyond so many times the slowest answer is no pause. */
const PATIENCE = 3;

interface Port {
  hasRef?(): boolean;
  on?(event: 'message', listener: () => void): void;
}

interface Told {
  port: Port;
  posted: number;
  answered: number;
  lastAt: number;
  slowestAnswer: number;
  /** Since when nothing else holds the process; 0: something does. */
  aloneSince: number;
}

const ofWorker = new WeakMap<Worker, Told>();
/** By the ends that are here. */
const ofPort = new WeakMap<object, Told>();

export function toldNotToHold(worker: Worker): void {
  const known = ofWorker.get(worker);
  const port = known?.port ?? portOf(worker);
  if (known) ofPort.set(known.port, known);
  if (known || !port) return;
  const told: Told = { port, posted: 0, answered: 0, lastAt: now(), slowestAnswer: 0, aloneSince: 0 };
  ofWorker.set(worker, told);
  ofPort.set(port, told);
  // beside the one that Node has there, so that it does not count as the first
  port.on?.('message', () => guarded(PART, () => answered(told)));
}

export function toldToHold(worker: Worker): void {
  const told = ofWorker.get(worker);
  if (told) ofPort.delete(told.port);
}

export function posted(worker: Worker): void {
  const told = ofWorker.get(worker);
  if (!told) return;
  told.posted++;
  told.lastAt = now();
}

function answered(told: Told): void {
  const at = now();
  told.answered++;
  told.slowestAnswer = Math.max(told.slowestAnswer, at - told.lastAt);
  told.lastAt = at;
}

/** Whether it holds the process open; true where nobody has told it not to. */
export function holds(worker: Worker): boolean {
  const told = ofWorker.get(worker);
  return told === undefined || !ofPort.has(told.port) || told.port.hasRef?.() !== false;
}

/** Milliseconds; to be asked at each look. */
export function heldAgainMs(worker: Worker): number {
  const told = ofWorker.get(worker);
  if (told === undefined || !isHeldAgain(told.port) || !areAllHeldAgain()) {
    if (told) told.aloneSince = 0;
    return 0;
  }
  const at = now();
  if (told.aloneSince === 0) told.aloneSince = at;
  const silentMs = at - told.lastAt;
  const { posted, answered } = told;
  const isDone = posted > 0 && (answered === posted || answered === posted + 1);
  if (!isDone || silentMs < PATIENCE * told.slowestAnswer || !isOfTimerOrSignal()) return 0;
  return Math.min(silentMs, at - told.aloneSince);
}

const isHeldAgain = (port: object): boolean => ofPort.get(port)?.port.hasRef?.() === true;

interface Lists {
  _getActiveHandles?(): object[];
  _getActiveRequests?(): object[];
  getActiveResourcesInfo?(): string[];
}

/** Whatever holds the process is such a thread. */
function areAllHeldAgain(): boolean {
  const lists = process as unknown as Lists;
  const handles = lists._getActiveHandles?.() ?? [];
  if (!handles.every((handle) => isOutput(handle) || isHeldAgain(handle))) return false;
  if (lists._getActiveRequests?.().length !== 0) return false;
  return lists.getActiveResourcesInfo?.().every((type) => type !== 'Timeout' && type !== 'Immediate') === true;
}

/** By its number, since to ask for `process.stdout` could open it. */
function isOutput(handle: object): boolean {
  const fd: unknown = Object.getOwnPropertyDescriptor(handle, 'fd')?.value;
  return fd === 1 || fd === 2;
}

/** What runs now: a look of the probe's is of a timer, too. */
function isOfTimerOrSignal(): boolean {
  const { name = '' } = executionAsyncResource().constructor ?? {};
  return name === 'Timeout' || name === 'Signal';
}

/** Null once it has ended. */
function portOf(worker: Worker): Port | null | undefined {
  const key = Object.getOwnPropertySymbols(worker).find(({ description }) => description === 'kPublicPort');
  return key && (worker as unknown as Record<symbol, Port | null | undefined>)[key];
}
