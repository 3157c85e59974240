/** Writes `load.jsonl`: a line as soon as there is something to tell, so that a kill loses nothing. */
import { appendFileSync, closeSync } from 'node:fs';
import path from 'node:path';
import {
  LOAD_FILE,
  LOAD_SCHEMA,
  type LoadFault,
  type LoadLine,
  type LoadLines,
  type LoadMend,
  type LoadRound,
} from '../../probe/recording/load.ts';
import { appendOwn } from '../../probe/recording/own.ts';

export class LoadLog {
  readonly #descriptor: number;
  /** Plain sentences for the report. */
  readonly problems: string[] = [];

  constructor(folder: string, what: Omit<LoadLine, 't' | 'schema'>) {
    this.#descriptor = appendOwn(path.join(folder, LOAD_FILE));
    this.#append({ t: 'load', schema: LOAD_SCHEMA, ...what });
  }

  round(round: Omit<LoadRound, 't'>): void {
    this.#append({ t: 'round', ...round });
  }

  fault(fault: Omit<LoadFault, 't'>): void {
    this.#append({ t: 'fault', ...fault });
  }

  /** Of a fault that leaks. */
  mend(mending: Omit<LoadMend, 't'>): void {
    this.#append({ t: 'mend', ...mending });
  }

  end(): void {
    this.#append({ t: 'end', problems: this.problems });
    closeSync(this.#descriptor);
  }

  #append(line: LoadLines): void {
    appendFileSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }
}
