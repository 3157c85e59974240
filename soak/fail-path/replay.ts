/** The public module `outlive/fail-path`: replays one fault of a soak, for the test that the soak has written. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FaultKind, Left } from '../../probe/control/inject/injector.ts';
import { Sources } from '../../probe/recording/source.ts';
import { mustBeFree } from '../service/listening.ts';
import { addressOf, headerOf, methodOf, targetsOf } from '../service/targets.ts';
import { beyond, common, type Point, pointsOf } from './points.ts';
import { Subject, type SubjectOptions } from './subject.ts';
import { nameOf } from './words.ts';

export { type CommandRecipe, mustComeBack } from './replay-command.ts';

export interface Recipe {
  /** Program and arguments that start the service, in the current directory. */
  command: string[];
  /** Made one after the other. */
  requests: { method: string; url: string; headers?: Record<string, string>; body?: string | null }[];
  fault: {
    kind: FaultKind;
    /** Which one at that line, from 1. */
    ordinal: number;
    /** Relative to the current directory. */
    file: string;
    /** Text of the line that asks, so that it is found when it moves … */
    call: string;
    /** … and where it was, should there be several. */
    line: number;
    /** Only a fresh service reaches it. */
    atStart?: boolean;
  };
}

/** Milliseconds. */
const WAIT = 30_000;

/** Throws an error that says what stays open, and where it was taken, when it does with this fault and not without. */
export async function mustReturnToFloor({ command, requests, fault }: Recipe): Promise<void> {
  const [program, ...args] = command;
  if (program === undefined) throw new Error('The recipe has no command.');
  const targets = requests.flatMap(({ method, url, headers = {}, body }) => {
    const header = Object.entries(headers).map(([name, value]) => headerOf(`${name}: ${value}`));
    return targetsOf({
      url: [addressOf(url)],
      method: methodOf(method, 'The method'),
      header,
      body: body ?? undefined,
    });
  });
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-fail-path-'));
  const options: SubjectOptions = {
    ...{ command: [program, ...args], targets, drive: null, folder, waitMs: WAIT },
    signal: new AbortController().signal,
  };
  try {
    await mustBeFree(targets.map(({ url }) => url));
    const { point, usual } = await survey(options, fault);
    const left = await tryOut(options, point, usual);
    if (left.length > 0) throw new Error(`When ${nameOf(point)} fails, ${inWords(left)}.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where the call is now, and what is open without the fault. */
async function survey(options: SubjectOptions, fault: Recipe['fault']): Promise<{ point: Point; usual: Left[] }> {
  const subject = await Subject.start(options, null);
  try {
    const first = await subject.turn('as started');
    if (!fault.atStart) await subject.warmUp();
    const turn = fault.atStart ? first : await subject.turn(null);
    const points = pointsOf(turn.calls, fault.atStart === true).filter((point) => isMeant(point, fault));
    const [point] = points.sort((a, b) => Math.abs(a.site.line - fault.line) - Math.abs(b.site.line - fault.line));
    if (!point) {
      const what = `${fault.file} has no ${fault.kind} number ${fault.ordinal} at "${fault.call}" that the requests reach`;
      throw new Error(`${what}: the code has changed, write the test anew by outlive soak --fail-path.`);
    }
    return { point, usual: turn.left };
  } finally {
    await subject.stop();
  }
}

function isMeant({ fault, site }: Point, wanted: Recipe['fault']): boolean {
  const call = new Sources().lines(site.file)?.[site.line - 1]?.trim();
  const isThere = path.resolve(wanted.file) === site.file && call === wanted.call;
  return fault.kind === wanted.kind && fault.ordinal === wanted.ordinal && isThere;
}

async function tryOut(options: SubjectOptions, point: Point, usual: Left[]): Promise<Left[]> {
  const subject = await Subject.start(options, point.atStart ? point.fault : null);
  try {
    if (!point.atStart) await subject.warmUp();
    const turn = await subject.turn(point.atStart ? 'as started' : point.fault);
    if (!turn.hit) throw new Error(`${nameOf(point)} was not reached again.`);
    const left = beyond(turn.left, usual);
    return left.length === 0 ? [] : common(beyond((await subject.lookAgain()).left, usual), left);
  } finally {
    await subject.stop();
  }
}

function inWords(left: readonly Left[]): string {
  const sources = new Sources();
  const parts = left.map(({ kind, library, count, frame }) => {
    const site = frame && sources.original(frame);
    const where = site ? `, taken at ${path.relative(process.cwd(), site.file)}:${site.line}` : '';
    return `${count} ${library} ${kind}${count === 1 ? '' : 's'} stay${count === 1 ? 's' : ''} open${where}`;
  });
  return parts.join('; ');
}
