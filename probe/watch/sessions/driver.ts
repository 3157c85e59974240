/** What a driver tells of its sessions: the statements that they are given, and what the server answers. */
import type { Site } from '../../account/site.ts';
import type { AdapterName } from '../../adapters.ts';
import type { Dialect } from './effects.ts';

export interface Driver {
  readonly part: AdapterName;
  readonly dialect: Dialect;
  isAlive(connection: object): boolean;
}

export interface Statement {
  readonly driver: Driver;
  readonly connection: object;
  readonly text: string;
  readonly values: unknown;
  /** Of one that was written before it is sent: where. Null: that is not known. */
  readonly writtenAt?: Site | null;
}

/** What the server answered to a statement that may have left something. */
export interface Answered {
  fails(): void;
  /** `rows`: of all statements in the text. */
  succeeds(rows: readonly unknown[]): void;
}
