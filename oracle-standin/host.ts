/** What a session needs of the server that it belongs to. */
import type { Backend } from './backend/backend.ts';
import type { Catalogue } from './calls/catalogue.ts';
import type { OracleError } from './errors.ts';
import type { Faults } from './faults.ts';
import type { Verifier } from './logon/verifiers.ts';
import type { Counted } from './metrics.ts';
import type { Settings } from './options.ts';
import type { Session } from './session.ts';
import type { ViewName } from './sql/views.ts';
import type { ConnectData } from './wire/connect.ts';

export interface Host {
  readonly settings: Settings;
  readonly verifier: Verifier;
  readonly faults: Faults;
  readonly catalogue: Catalogue;
  log(sentence: string): void;
  counted(what: Counted): void;
  /** ORA number with which the listener refuses, or null. */
  refusal(request: ConnectData): number | null;
  /** Takes a place for the session, or says why there is none. */
  admit(session: Session): OracleError | null;
  forget(session: Session): void;
  openBackend(session: Session, onLost: (error: Error) => void): Promise<Backend>;
  /** Of what a backend runs. Never throws. */
  cancel(pid: number): Promise<void>;
  /** Ends a backend, whatever it does. Never throws. */
  terminate(pid: number): Promise<void>;
  /** Throws `OracleError`. */
  kill(sid: number, serial: number, disconnect: boolean, by: Session): void;
  /** Rows as JSON. */
  view(name: ViewName, session: Session): string;
}
