/**
 * Two sides of one connection: the server's session and the lease that has it, joined by the socket they share.
 *
 * Sessions are seen at moments of the sampler, leases at moments of each process, seconds apart. A lease is only called
 * the holder when it is known to have been open at the moment of the session: it was acquired before, and is still
 * there in the process's next line.
 */
import type { DatabaseRecording, Session, SessionsLine } from '../../probe/recording/database.ts';
import type { HeldConnection, HeldLine, Recording } from '../../probe/recording/format.ts';

/** Between two lines of either side, with some patience, milliseconds. */
const SPACING_MS = 6500;
/** A process that wrote no further line may still have had its lease so much later; an old lease for a whole spacing. */
const FRESH_MS = 1500;

/** A connection as `recording` knew it at a moment of the server's; ages are those of that moment. */
export interface Held {
  recording: Recording;
  connection: HeldConnection;
}

export interface Moment {
  /** Wall clock, milliseconds since 1970. */
  at: number;
  sessions: { session: Session; held: Held | null }[];
  /** Leases whose session is missing though all sessions are listed. */
  withoutSession: Held[];
  /** Processes that were recorded then, and whether they listed all their connections. */
  isComplete: boolean;
}

/** Every moment at which the server's sessions were seen, joined with what the processes had then. */
export function joined(database: DatabaseRecording, recordings: readonly Recording[]): Moment[] {
  return database.sessions.map((line, index) => {
    const at = database.database.startedMs + line.at;
    const running = recordings.filter((recording) => isRunning(recording, at));
    const held = running.flatMap((recording) => heldAt(recording, at));
    const sessions = line.sessions.map((session) => ({ session, held: holderOf(session, held, database) }));
    const neighbours = [database.sessions[index - 1], line, database.sessions[index + 1]];
    return {
      at,
      sessions,
      withoutSession: held.filter((one) => isWithoutSession(one, neighbours, database)),
      isComplete: running.length > 0 && running.every((recording) => isListed(recording, at)),
    };
  });
}

/** The last connection of any process that was `session`'s, before `at`. */
export function formerHolder(
  session: Session,
  database: DatabaseRecording,
  recordings: readonly Recording[],
  at: number,
): Held | null {
  const began = at - session.ageMs;
  const past = recordings.flatMap((recording) =>
    recording.held
      .filter((line) => timeOf(recording, line) <= at && timeOf(recording, line) >= began)
      .flatMap((line) => line.connections)
      .filter((connection) => isSame(session, connection, database))
      .map((connection) => ({ recording, connection })),
  );
  return past.at(-1) ?? null;
}

function isRunning({ process, lastAt }: Recording, at: number): boolean {
  return at >= process.startedMs && at <= process.startedMs + lastAt + FRESH_MS;
}

function isListed(recording: Recording, at: number): boolean {
  const [before, after] = around(recording, at);
  return after !== undefined && after.omitted === 0 && (before === undefined || before.omitted === 0);
}

/** The lines that enclose the moment, each if it is near. */
function around(recording: Recording, at: number): [before: HeldLine | undefined, after: HeldLine | undefined] {
  const near = recording.held.filter((line) => Math.abs(timeOf(recording, line) - at) <= SPACING_MS);
  return [near.findLast((line) => timeOf(recording, line) <= at), near.find((line) => timeOf(recording, line) > at)];
}

function heldAt(recording: Recording, at: number): Held[] {
  const [before, after] = around(recording, at);
  const byConnection = new Map<string, HeldConnection>();
  for (const line of [before, after]) {
    if (!line) continue;
    const later = timeOf(recording, line) - at;
    for (const connection of line.connections) {
      const key = `${connection.pool} ${connection.localAddress} ${connection.localPort} ${connection.connectionId}`;
      byConnection.set(key, asOf(connection, later, line === before && after !== undefined));
    }
  }
  return [...byConnection.values()].map((connection) => ({ recording, connection }));
}

/** `later`: milliseconds from the moment to the line, negative when the line is older. */
function asOf(connection: HeldConnection, later: number, isGoneAfter: boolean): HeldConnection {
  const { ageMs, idleMs } = connection;
  if (ageMs === null) return connection;
  const age = ageMs - later;
  // acquired only afterwards; or seen before and no more, or before and too long ago to know
  const isUnknown = age < 0 || isGoneAfter || (later < -FRESH_MS && ageMs < SPACING_MS);
  if (isUnknown) return { ...connection, site: -1, frame: -1, ageMs: null, idleMs: null, busy: null };
  return { ...connection, ageMs: age, idleMs: idleMs === null ? null : Math.max(0, idleMs - later) };
}

/** The one who borrowed it last: a pool may lend what it borrowed of another. */
function holderOf(session: Session, held: readonly Held[], database: DatabaseRecording): Held | null {
  let holder: Held | null = null;
  for (const one of held) {
    if (!isSame(session, one.connection, database)) continue;
    const age = one.connection.ageMs ?? Number.POSITIVE_INFINITY;
    if (holder === null || age < (holder.connection.ageMs ?? Number.POSITIVE_INFINITY)) holder = one;
  }
  return holder;
}

/**
 * By socket where both know it. What the server calls the connection is only asked where a socket is hidden (a Unix
 * socket) or rewritten on the way (a container's port), and then only at the same door.
 */
function isSame(session: Session, connection: HeldConnection, { server }: DatabaseRecording): boolean {
  if (session.port !== null && session.port === connection.localPort) {
    if (plain(session.address) === plain(connection.localAddress)) return true;
  }
  if (session.connectionId === null || session.connectionId !== connection.connectionId) return false;
  if (session.port === null && connection.localPort === null) return true;
  return server !== null && connection.server !== null && plain(server.address) === plain(connection.server);
}

/** Lent for long to this very server, which lists all its sessions but not this one, before and after. */
function isWithoutSession(
  { connection }: Held,
  neighbours: readonly (SessionsLine | undefined)[],
  database: DatabaseRecording,
): boolean {
  const { server } = database;
  if (connection.ageMs === null || connection.ageMs < SPACING_MS || connection.localPort === null) return false;
  if (!server || plain(server.address) !== plain(connection.server)) return false;
  const lines = neighbours.filter((line) => line !== undefined);
  return lines.every(
    ({ sessions, omitted }) =>
      omitted === 0 &&
      sessions.every((session) => session.port !== null) &&
      !sessions.some((session) => isSame(session, connection, database)),
  );
}

function timeOf({ process }: Recording, { at }: { at: number }): number {
  return process.startedMs + at;
}

/** IPv4 addresses in IPv6 sockets as they are. */
export function plain(address: string | null): string | null {
  return address?.replace(/^::ffff:/, '') ?? null;
}
