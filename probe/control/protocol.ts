/**
 * What is said at a soak's side door: lines of JSON, in both directions, after a first line of the probe's that is the
 * secret alone. What is none of these is ignored, whoever says it, and a line without end closes the connection.
 */
import { AT_REST, type SnapshotName } from '../recording/snapshot-names.ts';
import type { Blamed, Fault, Turn } from './inject/injector.ts';

export interface RoundResult {
  /** Resources open at the quiesced point. */
  open: number;
  /** Findings that stand. */
  findings: number;
  /** Of a soak that makes operations fail, see inject/. */
  turn?: Turn;
  /** Why a snapshot that was asked for is not there, in a sentence. */
  noSnapshot?: string;
}

export type ControlRequest = { id: number } & ControlOrder;

export type ControlOrder =
  /** Let it settle and judge; `round` 0: the warm-up. */
  | { do: 'round-ended'; round: number }
  /** Write a snapshot of the heap beside the recording, unless the heap is larger. */
  | { do: 'snapshot'; name: SnapshotName; maxMb: number }
  /** A turn begins, in which `fault` is made. */
  | { do: 'begin-turn'; fault: Fault | null }
  /** That the fault of the last turns left these open is known. */
  | { do: 'blame'; recipe: string; left: Blamed[] };

/** Characters of a line; an answer with all calls of a turn has some hundred thousand. */
export const LONGEST_LINE: number = 4 * 1024 * 1024;

/** Where a door is, and what is asked for there: OUTLIVE_CONTROL. */
export interface Door {
  /** Of a socket in a private folder; on Windows of a named pipe. */
  address: string;
  secret: string;
}

export function doorText({ address, secret }: Door): string {
  return `${secret}@${address}`;
}

/** Null when it is no door. */
export function doorOf(text: string): Door | null {
  const [, secret, address] = /^(\w+)@(.+)$/.exec(text) ?? [];
  return secret && address ? { secret, address } : null;
}

/**
 * The lines that `chunk` completes, and what stands after the last of them. `rest`: what stood there before, which has
 * no line end. Null when a line is longer than `longest` characters.
 */
export function linesOf(rest: string, chunk: string, longest = LONGEST_LINE): { lines: string[]; rest: string } | null {
  const [first = '', ...others] = chunk.split('\n');
  const lines = [rest + first, ...others];
  if (lines.some((line) => line.length > longest)) return null;
  const last = lines.pop() ?? '';
  return { lines, rest: last };
}

/** Null when it is no order that is known. */
export function orderOf(line: string): ControlRequest | null {
  const order = objectOf(line);
  if (!order || typeof order.id !== 'number') return null;
  return Object.hasOwn(ORDERS, String(order.do)) && ORDERS[order.do as ControlOrder['do']](order)
    ? (order as ControlRequest)
    : null;
}

type Fields = Record<string, unknown>;

const isText = (value: unknown): value is string => typeof value === 'string';
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isPlace = ({ file, line, column }: Fields): boolean =>
  isText(file) && Number.isInteger(line) && Number.isInteger(column);

const ORDERS: Record<ControlOrder['do'], (order: Fields) => boolean> = {
  'round-ended': ({ round }) => Number.isInteger(round),
  snapshot: ({ name, maxMb }) => AT_REST.some((each) => each === name) && Number.isFinite(maxMb),
  'begin-turn': ({ fault }) =>
    fault === null || (isFields(fault) && isText(fault.kind) && isPlace(fault) && Number.isInteger(fault.ordinal)),
  blame: ({ recipe, left }) =>
    isText(recipe) &&
    Array.isArray(left) &&
    left.every(
      (each) =>
        isFields(each) &&
        isText(each.kind) &&
        isText(each.library) &&
        (each.frame === null || (isFields(each.frame) && isPlace(each.frame))),
    ),
};

/** What a probe answers, by the request's `id`. */
export type Answer = RoundResult & { id: number };

/** Null when it is no answer. */
export function answerOf(line: string): Answer | null {
  const answer = objectOf(line);
  if (!answer || ![answer.id, answer.open, answer.findings].every(Number.isFinite)) return null;
  if (answer.noSnapshot !== undefined && !isText(answer.noSnapshot)) return null;
  return answer.turn === undefined || isTurn(answer.turn) ? (answer as unknown as Answer) : null;
}

/** Also of a turn that a process has told in a file at its end. */
export function isTurn(turn: unknown): boolean {
  if (!isFields(turn) || typeof turn.hit !== 'boolean') return false;
  const { calls, left, taken } = turn;
  if (!Array.isArray(calls) || !Array.isArray(left) || !Array.isArray(taken)) return false;
  const isTold = (place: unknown): place is Fields => isFields(place) && isPlace(place);
  const isFrame = (frame: unknown): boolean => isTold(frame) && isText(frame.function);
  return (
    calls.every(
      (call) =>
        isFields(call) &&
        isText(call.kind) &&
        isFrame(call.frame) &&
        Array.isArray(call.callers) &&
        call.callers.every(isTold) &&
        Number.isInteger(call.stack),
    ) &&
    left.every(
      (each) =>
        isFields(each) &&
        isText(each.kind) &&
        isText(each.nature) &&
        isText(each.library) &&
        Number.isInteger(each.count) &&
        (each.frame === null || isFrame(each.frame)),
    ) &&
    taken.every(
      (each) =>
        isTold(each) &&
        isText(each.nature) &&
        isText(each.library) &&
        Number.isInteger(each.acquired) &&
        Number.isInteger(each.open),
    )
  );
}

function objectOf(line: string): Fields | null {
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}
