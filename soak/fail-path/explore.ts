/**
 * Makes each outgoing operation of the service fail once, in turn, and compares what is open afterwards with turns in
 * which nothing failed. What is left with the fault, and only with it, is a finding with its recipe.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Fault, Left } from '../../probe/control/inject/injector.ts';
import type { LoadFault } from '../../probe/recording/load.ts';
import { Sources } from '../../probe/recording/source.ts';
import { mustBeFree } from '../service/listening.ts';
import { LoadLog } from '../service/load-log.ts';
import { howItEnded } from '../service/program.ts';
import { nameOf as nameOfTarget } from '../service/targets.ts';
import { type Loss, type MendOptions, mend } from './mend.ts';
import { beyond, common, type Point, pointsOf } from './points.ts';
import { Subject, type SubjectOptions, type TurnResult } from './subject.ts';
import { writeTest } from './test-file.ts';
import { nameOf, recipeOf, TIMES } from './words.ts';

export interface Exploration extends SubjectOptions {
  /** Of the script, when one asks. */
  scriptName: string | null;
  onProgress(done: number, of: number, note: string): void;
  /** A fix is being tried out. */
  onPatch(patch: number, of: number): void;
}

interface Outcome extends Pick<LoadFault, 'outcome' | 'sentence'> {
  /** What it is proven of. */
  left?: Left[];
}

/** Of one run of a test: it starts the service twice. Milliseconds. */
const TEST_LIMIT_MS = 180_000;

/** Faults that only a fresh program reaches cost a start each: no more than this. */
const MOST_AT_START = 12;

/** Throws `UserError` when the service cannot be started at all. An interruption is no error. */
export async function explore(options: Exploration): Promise<void> {
  await mustBeFree(options.targets.map(({ url }) => url));
  const { scriptName, targets, folder } = options;
  const names = scriptName === null ? targets.map(nameOfTarget) : [scriptName];
  let log: LoadLog | null = null;
  let explorer: Explorer | null = null;
  const leaks: { fault: number; test: string; loss: Loss }[] = [];
  try {
    options.onProgress(0, 1, 'finding out what the service asks of others');
    explorer = await Explorer.start(options);
    const points = explorer.points;
    log = new LoadLog(folder, { kind: 'faults', targets: names, connections: 1, planned: points.length });
    log.problems.push(...explorer.problems);
    for (const [index, point] of points.entries()) {
      const { outcome, sentence, left = [] } = await explorer.tryOut(point);
      const test = outcome === 'leaks' && scriptName === null ? writeTest(options, point) : null;
      const { kind, ordinal } = point.fault;
      log.fault({ kind, ordinal, site: point.site, outcome, sentence, test: test && path.relative(folder, test) });
      const [loss] = left.flatMap(lossOf);
      if (test !== null && loss) leaks.push({ fault: index, test, loss });
      options.onProgress(index + 1, points.length, sentence);
    }
    // where the service listens, the tests start theirs
    await explorer.stop();
    for (const [index, { fault, test, loss }] of leaks.entries()) {
      options.onPatch(index + 1, leaks.length);
      log.mend({ fault, ...(await mend(loss, mendOptions(options, test))) });
    }
  } catch (error) {
    if (!options.signal.aborted) throw error;
    log?.problems.push('The soak was interrupted.');
  } finally {
    await explorer?.stop();
    log?.end();
  }
}

class Explorer {
  readonly #options: SubjectOptions;
  #subject: Subject;
  /** What a turn without a fault leaves: in a warm service, and in one that has just started. */
  readonly #usual: Left[];
  readonly #usualAtStart: Left[];
  readonly points: Point[];
  readonly problems: string[] = [];

  private constructor(options: SubjectOptions, subject: Subject, first: TurnResult, warm: TurnResult) {
    this.#options = options;
    this.#subject = subject;
    this.#usual = warm.left;
    this.#usualAtStart = first.left;
    // a pool that has its connections opens no more: those are reached only at the start
    const atStart = pointsOf(first.calls, true).filter(({ fault }) => fault.kind === 'connect');
    if (atStart.length > MOST_AT_START) {
      this.problems.push(`Of ${atStart.length} connects of a fresh service only ${MOST_AT_START} were made to fail.`);
    }
    this.points = [...pointsOf(warm.calls, false), ...atStart.slice(0, MOST_AT_START)];
    if (this.points.length === 0) {
      this.problems.push(
        "The service's own code asked nothing of others meanwhile: no query of pg or oracledb, no connect, no HTTP request.",
      );
    }
  }

  static async start(options: SubjectOptions): Promise<Explorer> {
    const subject = await Subject.start(options, null);
    try {
      const first = await subject.turn('as started');
      await subject.warmUp();
      return new Explorer(options, subject, first, await subject.turn(null));
    } catch (error) {
      await subject.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#subject.stop();
  }

  /** The service is as warm and as whole afterwards as it was before. */
  async tryOut(point: Point): Promise<Outcome> {
    const outcome = await this.#outcomeOf(point);
    if (outcome.outcome !== 'returned' && outcome.outcome !== 'missed') await this.#renew();
    return outcome;
  }

  async #outcomeOf(point: Point): Promise<Outcome> {
    const name = nameOf(point);
    const { turn, left } = await this.#with(point);
    if (turn === null || turn.died) {
      const how = turn?.died ? howItEnded(turn.died) : 'does not start';
      return {
        outcome: 'dies',
        sentence: `When ${name} fails, the service ${how}. ${this.#subject.program.lastWords()}.`,
      };
    }
    if (!turn.hit) return { outcome: 'missed', sentence: `${capital(name)} was not reached again.` };
    if (left.length > 0) {
      const proven = await this.#verify(point, left);
      if (proven.length === 0)
        return { outcome: 'varies', sentence: `When ${name} fails, something stays open, but not each time.` };
      const sentence = recipeOf(point);
      await this.#subject.blame(sentence, proven);
      return { outcome: 'leaks', sentence, left: proven };
    }
    if (turn.unanswered.length > 0)
      return { outcome: 'hangs', sentence: `When ${name} fails, a request is never answered.` };
    return { outcome: 'returned', sentence: `When ${name} fails, all comes back.` };
  }

  /** A turn with the fault. `turn` null: the service does not even start. */
  async #with(point: Point): Promise<{ turn: TurnResult | null; left: Left[] }> {
    const { fault, atStart } = point;
    if (atStart) {
      const started = await this.#startAnew(fault).catch(unlessAborted(this.#options.signal));
      if (!started) return { turn: null, left: [] };
    }
    const turn = await this.#subject.turn(atStart ? 'as started' : fault);
    const left = beyond(turn.left, this.#usualFor(point));
    if (left.length === 0 || turn.died) return { turn, left: [] };
    const later = await this.#subject.lookAgain();
    return { turn, left: common(beyond(later.left, this.#usualFor(point)), left) };
  }

  /** Of what a turn with the fault left: what each one does, and none without. Each in a fresh service: leaks add up. */
  async #verify(point: Point, left: Left[]): Promise<Left[]> {
    let proven = left;
    for (let time = 1; time < TIMES && proven.length > 0; time++) {
      await this.#renew(!point.atStart);
      const without = await this.#subject.turn(point.atStart ? 'as started' : null);
      const also = beyond(without.left, this.#usualFor(point));
      if (!point.atStart) await this.#renew();
      const again = await this.#with(point);
      proven = common(proven, again.left).filter((own) => common([own], also).length === 0);
    }
    return proven;
  }

  #usualFor({ atStart }: Point): Left[] {
    return atStart ? this.#usualAtStart : this.#usual;
  }

  async #renew(isWarm: boolean = true): Promise<void> {
    await this.#startAnew(null);
    if (isWarm) await this.#subject.warmUp();
  }

  async #startAnew(first: Fault | null): Promise<true> {
    await this.#subject.stop();
    this.#subject = await Subject.start(this.#options, first);
    return true;
  }
}

function lossOf({ nature, library, frame }: Left): Loss[] {
  if (frame === null) return [];
  const { file, line, column } = new Sources().original(frame);
  return [{ nature, library, site: { file, line, column } }];
}

function mendOptions({ folder, signal }: Exploration, test: string): MendOptions {
  const apart = [path.resolve(folder)];
  return { test: readFileSync(test, 'utf8'), limitMs: TEST_LIMIT_MS, signal, apart };
}

function unlessAborted(signal: AbortSignal): () => null {
  return () => {
    signal.throwIfAborted();
    return null;
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
