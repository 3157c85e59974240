/**
 * Who connects to a server though nobody watches it: a library of ES modules alone, one that is not known, or one that is
 * bundled with the service's own code. The stack of a few connects to each port tells.
 *
 * False positives: a program that only tries whether a database is up.
 * False negatives: native drivers, which have no socket of Node's; bundles that connect to a port of no known database
 * and hold no text of a known library (see bundles.ts); what connects for the first time after `MAX_STACKS`.
 */
import { basename, isAbsolute } from 'node:path';
import { DEEP, type Site, type Sites } from '../../account/site.ts';
import type { Method } from '../../process/around.ts';
import type { Frame } from '../../recording/format.ts';
import type { Libraries } from '../libraries.ts';
import { installedAs, manifestOf } from '../packages.ts';

/** Stacks that are taken: of one port, and of all. */
const MAX_STACKS = { port: 16, all: 200 };

/** Servers that are talked to through pools and clients, by the port that they usually have. */
const SERVERS: Readonly<Record<string, string>> = {
  1433: 'SQL Server',
  1521: 'Oracle',
  3306: 'MySQL',
  5432: 'PostgreSQL',
  5672: 'an AMQP broker',
  6379: 'Redis',
  9042: 'Cassandra',
  9092: 'Kafka',
  27017: 'MongoDB',
};
/** … and sockets in the file system. */
const SOCKET_FILE = /\.s\.PGSQL\.\d+$|mysqld?\.sock$|redis\S*\.sock$|mongodb-\d+\.sock$/;

export interface ConnectListener {
  sites: Sites;
  libraries: Libraries;
  unseen(what: string, why: string): void;
  /** A file of the program's own that connects: it may be a bundle. */
  onOwnFile(file: string): void;
}

export class Connects {
  readonly #listener: ConnectListener;
  readonly #stacks: Map<string, number> = new Map();
  readonly #told: Set<string> = new Set();
  #left = MAX_STACKS.all;

  constructor(listener: ConnectListener) {
    this.#listener = listener;
  }

  /** `Socket.connect`, which is `wrapper`, was called with these arguments. */
  began(first: unknown, second: unknown, wrapper: Method): void {
    if (this.#left <= 0) return;
    const target = targetOf(first, second);
    const taken = this.#stacks.get(target) ?? 0;
    if (taken >= MAX_STACKS.port) return;
    this.#stacks.set(target, taken + 1);
    this.#left--;
    const site = this.#listener.sites.capture(wrapper, DEEP);
    if (site) this.#judge(site, target);
  }

  #judge(site: Site, target: string): void {
    const { libraries, onOwnFile } = this.#listener;
    const caller = site.stack.find(({ file }) => isAbsolute(file));
    const server = SERVERS[target] ?? (SOCKET_FILE.test(target) ? 'a database' : null);
    const installed = caller && installedAs(caller.file);
    if (installed) {
      const { name } = installed;
      if (libraries.isWatched(name) || this.#told.has(installed.folder)) return;
      const known = libraries.whyUnwatched(name);
      if (known === null && server === null) return;
      this.#told.add(installed.folder);
      const version = manifestOf(caller.file)?.version ?? '?';
      if (known !== null) libraries.met({ name, version });
      else this.#tell(`${name} ${version}`, `It connects to ${server}, and no adapter watches it.`);
      return;
    }
    if (caller) onOwnFile(caller.file);
    if (server === null) return;
    const place = placeOf(site.stack[site.user[0] ?? -1]);
    this.#tell(
      'a bundled database client',
      `A connection to ${where(target)} (${server}) was opened${place} by no library that is watched.`,
    );
  }

  #tell(what: string, why: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#listener.unseen(what, why);
  }
}

/** A port, or a path. */
function targetOf(first: unknown, second: unknown): string {
  const given = Array.isArray(first) ? first[0] : first;
  if (typeof given !== 'object' || given === null) return String(typeof given === 'function' ? second : given);
  const { port, path: file } = given as { port?: unknown; path?: unknown };
  return String(file ?? port);
}

function where(target: string): string {
  return /^\d+$/.test(target) ? `port ${target}` : basename(target);
}

function placeOf(frame: Frame | undefined): string {
  return frame && isAbsolute(frame.file) ? ` at ${basename(frame.file)}:${frame.line}` : '';
}
