/** The service whose failures are tried: started under the probe, asked in turns, each judged at rest. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Call, Fault, Left, Turn } from '../../probe/control/inject/injector.ts';
import { Control } from '../control.ts';
import { ready } from '../service/listening.ts';
import { type Ended, Program } from '../service/program.ts';
import type { Drive } from '../service/script.ts';
import type { Target } from '../service/targets.ts';
import { request } from './request.ts';

export interface SubjectOptions {
  command: readonly [string, ...string[]];
  /** Asked one after the other in each turn. */
  targets: readonly Target[];
  /** Asks instead. */
  drive: Drive | null;
  folder: string;
  waitMs: number;
  signal: AbortSignal;
}

export interface TurnResult extends Turn {
  /** Indexes of targets that gave no answer. */
  unanswered: number[];
  /** The service ended. */
  died: Ended | null;
}

/** An answer that takes longer does not come. */
const ANSWER_LIMIT_MS = 5000;
/** Requests one after the other need no long patience with what they leave, milliseconds. */
const GRACE_MS = '300';
/** What goes on for a moment after the answer is over by then. */
const SECOND_LOOK_MS = 1000;
/** Who does not answer has ended by then, or goes on. */
const END_LIMIT_MS = 500;
/** Turns until the service is warm: pools are open, singletons made. */
const WARM_UP = 2;

export class Subject {
  readonly program: Program;
  readonly #control: Control;
  readonly #options: SubjectOptions;
  #turns = 0;

  private constructor(program: Program, control: Control, options: SubjectOptions) {
    this.program = program;
    this.#control = control;
    this.#options = options;
  }

  /** `first` is made in the turn that begins with the program. Throws `UserError`. */
  static async start(options: SubjectOptions, first: Fault | null): Promise<Subject> {
    const control = await Control.open();
    const { command, folder, targets } = options;
    const own = process.env.OUTLIVE_GRACE_MS ? {} : { OUTLIVE_GRACE_MS: GRACE_MS };
    const env = { OUTLIVE_FAIL_PATH: JSON.stringify(first), ...own };
    let program: Program | undefined;
    try {
      program = await Program.start({ command, folder, log: 'service.log', control, env });
      const urls = targets.map(({ url }) => url);
      await ready(program, control.connected, urls, options);
      return new Subject(program, control, options);
    } catch (error) {
      await program?.stop();
      control.close();
      throw error;
    }
  }

  async warmUp(): Promise<void> {
    for (let turn = 0; turn < WARM_UP; turn++) await this.turn(null);
  }

  /** Asks for everything once, with `fault` made; `'as started'`: this is the turn that began with the program. */
  async turn(fault: Fault | null | 'as started'): Promise<TurnResult> {
    this.#options.signal.throwIfAborted();
    if (fault !== 'as started') await this.#tell({ do: 'begin-turn', fault });
    const unanswered = await this.#ask();
    const turn = await this.#rest();
    // its side door closes before its end is told
    if (unanswered.length > 0 && !this.program.hasEnded) await Promise.race([this.program.ended, pause(END_LIMIT_MS)]);
    return { ...turn, unanswered, died: this.program.hasEnded };
  }

  /** How the last turn stands after a while longer. */
  async lookAgain(): Promise<Turn> {
    await pause(SECOND_LOOK_MS);
    return this.#rest();
  }

  /** Makes findings of what the faults of the last turns left open. */
  async blame(recipe: string, left: readonly Left[]): Promise<void> {
    await this.#tell({ do: 'blame', recipe, left: left.map(({ kind, library, frame }) => ({ kind, library, frame })) });
    await this.#rest();
  }

  async stop(): Promise<void> {
    await this.program.stop();
    this.#control.close();
  }

  async #ask(): Promise<number[]> {
    const { targets, drive, signal } = this.#options;
    if (drive) {
      await drive({ round: this.#turns++, rounds: 0, signal, targets }).catch(() => {});
      return [];
    }
    const unanswered: number[] = [];
    for (const [index, target] of targets.entries()) {
      if ((await request(target, ANSWER_LIMIT_MS)) === null) unanswered.push(index);
    }
    return unanswered;
  }

  async #rest(): Promise<Turn> {
    const turns = (await this.#tell({ do: 'round-ended', round: 0 })).flatMap(({ turn }) => turn ?? []);
    // sites are numbered in each process by itself
    const calls = turns.flatMap((turn, process): Call[] =>
      turn.calls.map((call) => ({ ...call, stack: call.stack + process * 1e6 })),
    );
    const [left, taken] = [turns.flatMap((turn) => turn.left), turns.flatMap((turn) => turn.taken)];
    return { calls, hit: turns.some(({ hit }) => hit), left, taken };
  }

  async #tell(order: Parameters<Control['tell']>[0]) {
    const gone = this.program.ended.then(() => []);
    return Promise.race([this.#control.tell(order).catch(() => []), gone]);
  }
}
