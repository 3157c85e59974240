/** What a kind of database has to tell for its side of a run. One file beside this one implements it for each kind. */
import type { DatabaseKind, Look, ServerFacts, Session } from '../probe/recording/database.ts';

export interface DatabaseSide {
  readonly kind: DatabaseKind;
  /** As the reports call it, such as the database's name. */
  readonly name: string;
  /** `host:port`, for a sentence about it. */
  readonly where: string;
  /** Connects, with one session of its own. Called again after a loss. Rejects when it cannot. */
  open(): Promise<ServerFacts>;
  /** About once a second. Rejects when the connection is lost, or no answer comes within some seconds. */
  look(): Promise<Look>;
  /** About every five seconds; those that matter most first. */
  sessions(limit: number): Promise<{ sessions: Session[]; omitted: number }>;
  /** Never rejects. */
  close(): Promise<void>;
  /** Whether `error` says that the server has no session left to give. */
  isRefusal(error: unknown): boolean;
}
