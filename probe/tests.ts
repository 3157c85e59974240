/**
 * What tests leave open: each is a scope, and owes what was opened in it. For a guard in a test runner, which asks when
 * the test and its hooks are over.
 *
 * Silent, though open: what nobody has to give back (pools, one-shot timers); what a library set up for itself (timers,
 * sockets and listeners made by the code of a dependency, but for a WebSocket's); a single interval that holds nothing
 * open (`unref`), which is how a service says that it may run for life; a socket that still waits for its address; what
 * was opened on something that is told already. What was opened on something that others share, a channel on their
 * connection, is its test's own.
 * False positives: what is made once for the program's life by the first test that needs it.
 * False negatives: a leak of an unref'd interval on a line that only one test runs; a loop that sets one timer after the
 * other, while it works between two of them for longer than a moment; the first signals that are made of one, which are usual.
 */
import type { Ledger, Resource } from './account/ledger.ts';
import { isWithin, type Scope, type Scopes, type TestKind, testOf } from './account/scope.ts';
import { frameToName, type IsInside } from './judge/blame.ts';
import { enclosesOnDisk, functionEncloses, type ToDisk } from './judge/enclosing.ts';
import { PARTS } from './parts.ts';
import { loadOnDemand } from './process/on-demand.ts';
import { now } from './process/runtime.ts';
import type { Prover } from './proof/prover.ts';
import type { Frame, Kind } from './recording/format.ts';
import { isOwed, type NatureName } from './recording/natures.ts';

/** What is open of one line. */
export interface Owed {
  /** Of the line, as in a snapshot. */
  key: string;
  kind: Kind;
  nature: NatureName;
  library: string;
  pool: string | null;
  count: number;
  /** Inside an operation that has not come back. */
  busy: number;
  /** Proven: nobody can reach them any more. */
  orphans: number;
  /** The longest open, milliseconds. */
  oldestMs: number;
  /** Empty when no stack is known. */
  stack: Frame[];
  /** Of each frame, whether it is that of the original source already. */
  isMapped: readonly boolean[];
  /** Of the stack, the one to name; -1 without a stack. */
  frame: number;
  /** The test or suite that they were opened in. */
  test: string | null;
}

/** Of these, what a dependency makes is the dependency's own affair. */
const OF_LIBRARIES: ReadonlySet<Kind> = new Set<Kind>(['timer', 'socket', 'listener']);

/** What no event loop waits for. */
const HOLD_NOTHING: ReadonlySet<Kind> = new Set<Kind>(['context', 'listener']);

export class Tests {
  readonly #ledger: Ledger;
  readonly #scopes: Scopes;
  readonly #prover: Prover;
  /** What was told of: it is not told again. */
  readonly #told: WeakSet<Resource> = new WeakSet();
  /** What had been opened when each began. */
  readonly #opens: WeakMap<Scope, number> = new WeakMap();
  #isInside: IsInside = functionEncloses;

  constructor(ledger: Ledger, scopes: Scopes, prover: Prover) {
    this.#ledger = ledger;
    this.#scopes = scopes;
    this.#prover = prover;
  }

  /** For a runner that runs other code than is on disk. */
  readBy(toDisk: ToDisk): void {
    this.#isInside = enclosesOnDisk(toDisk);
  }

  begin(name: string, kind: TestKind, within: Scope | null): Scope {
    // modules of Node's own that were loaded with the file are watched before its tests run
    if (kind === 'suite') this.#ledger.settle();
    const scope = this.#scopes.beginTest(name, kind, within);
    this.#opens.set(scope, this.#ledger.opens);
    return scope;
  }

  end(scope: Scope): void {
    this.#scopes.endTest(scope);
  }

  /** The test or suite that what runs now is part of. */
  current(): Scope | null {
    return testOf(this.#scopes.current());
  }

  run<T>(scope: Scope, work: () => T): T {
    return this.#scopes.runIn(scope, work);
  }

  isOwing(scope: Scope): boolean {
    this.#ledger.settle();
    if (this.#ledger.opens === this.#opens.get(scope)) return false;
    for (const _ of this.#owedIn(scope)) return true;
    return false;
  }

  owed(scope: Scope): Owed[] {
    return byLine(this.#owedIn(scope), this.#isInside);
  }

  /** What is open of this scope by now is not told of again. */
  forgive(scope: Scope): void {
    for (const resource of [...this.#owedIn(scope)]) this.#told.add(resource);
  }

  /** Collects garbage, and finds out by it what nobody can reach any more. Not in a job that has looked at what is owed. */
  prove(): void {
    this.#prover.collect(now(), true);
  }

  /**
   * Writes a snapshot of the heap in which all that the scope owes is marked, by the key of its line. Returns null, or a
   * sentence why not. Not in a job that has looked at what is owed.
   */
  snapshot(scope: Scope, file: string, maxMb: number): string | null {
    const marked = [...this.#owedIn(scope)].map((resource) => [keyOf(resource), resource] as const);
    const written = loadOnDemand(PARTS.heapSnapshot).writeMarkedSnapshot(file, marked, maxMb);
    return typeof written === 'string' ? written : null;
  }

  /** Whoever opened it: what may hold the process open. */
  holding(): Owed[] {
    return byLine([...this.#ledger.opened(now())].filter(mayHold), this.#isInside);
  }

  *#owedIn(scope: Scope): Generator<Resource> {
    for (const resource of this.#ledger.opened(now())) {
      if (!isWithin(testOf(resource.scope), scope) || this.#told.has(resource)) continue;
      if (!isPart(resource, scope) && isDue(resource, this.#ledger)) yield resource;
    }
  }
}

function isDue(resource: Resource, ledger: Ledger): boolean {
  const { nature, natureName } = resource.account.source;
  if (nature.entry !== 'each' || !(isOwed(natureName) || resource.isKept)) return false;
  return !isOfLibrary(resource) && !isBackground(resource, ledger) && !isUnbegun(resource) && !resource.seemsOver;
}

/** Of what a library made for itself, or of what the same scope owes: that is told. On what is shared it stands alone. */
function isPart({ owner, bond }: Resource, scope: Scope): boolean {
  if (owner === null || owner.closed) return false;
  return bond !== 'ends with it' || isWithin(testOf(owner.scope), scope);
}

/** A socket that still asks for its address has nothing of the system's, and nothing that could be lost. */
function isUnbegun({ account, ref }: Resource): boolean {
  if (account.source.nature.kind !== 'socket' || process.platform === 'win32') return false;
  const { connecting, _handle } = (ref?.deref() ?? {}) as { connecting?: boolean; _handle?: { fd?: number } | null };
  return connecting === true && _handle?.fd === -1;
}

function isOfLibrary({ account: { site, source }, ref }: Resource): boolean {
  if (site === null || source.pool !== null || source.nature.ends === 'given back') return false;
  const isByUser = site.stack.some(({ user }) => user);
  if (!isByUser || !OF_LIBRARIES.has(source.nature.kind)) return !isByUser;
  // a client is made by its own library's code, for whoever calls that
  const own = `/node_modules/${isWebSocket(ref?.deref()) ? 'ws' : source.library}/`;
  const maker = site.stack.find(({ file }) => !file.startsWith('node:') && !file.replaceAll('\\', '/').includes(own));
  return maker?.user === false;
}

/** The package ws marks the socket of a WebSocket, which is nobody's but its caller's: none is kept for the next. */
function isWebSocket(socket: object | undefined): boolean {
  return (
    socket !== undefined && Object.getOwnPropertySymbols(socket).some(({ description }) => description === 'websocket')
  );
}

/** One of its line in its file: a file that runs again in the same process sets it again. */
function isBackground(resource: Resource, ledger: Ledger): boolean {
  const { line, source } = resource.account;
  if (source.pool !== null || !isUnref(resource)) return false;
  if (line.openCount === 1) return true;
  const file = fileOf(resource);
  const all = [...line.accounts].flatMap((account) => [...ledger.openOf(account, now())]);
  return all.filter((other) => fileOf(other) === file).length === 1;
}

/** The outermost suite that it was opened in. */
function fileOf({ scope }: Resource): Scope | null {
  let file = testOf(scope);
  while (file?.within) file = file.within;
  return file;
}

function isUnref({ keepsAlive, ref }: Resource): boolean {
  if (keepsAlive) return !keepsAlive();
  const thing = ref?.deref() as { hasRef?: () => boolean } | undefined;
  return typeof thing?.hasRef === 'function' && !thing.hasRef();
}

function mayHold(resource: Resource): boolean {
  const { ends, kind } = resource.account.source.nature;
  return ends !== 'never' && !HOLD_NOTHING.has(kind) && !isUnref(resource) && !isUnbegun(resource);
}

/** Most first. */
function byLine(resources: Iterable<Resource>, isInside: IsInside): Owed[] {
  const lines = new Map<string, Owed>();
  for (const resource of resources) {
    const key = keyOf(resource);
    lines.set(key, add(lines.get(key) ?? nothingOf(resource, isInside), resource));
  }
  return [...lines.values()].sort((a, b) => b.count - a.count);
}

function keyOf({ account: { line, source } }: Resource): string {
  return `${line.key} ${source.pool?.id}`;
}

function nothingOf(resource: Resource, isInside: IsInside): Owed {
  const { account, scope } = resource;
  const { site, source } = account;
  return {
    key: keyOf(resource),
    ...{
      kind: source.nature.kind,
      nature: source.natureName,
      library: source.library,
      pool: source.pool?.name ?? null,
    },
    ...{ count: 0, busy: 0, orphans: 0, oldestMs: 0 },
    ...{ stack: site?.stack ?? [], isMapped: site?.isMapped ?? [], frame: frameToName(site, [account], isInside) },
    test: testOf(scope)?.name ?? null,
  };
}

function add(owed: Owed, { openedAt, isBusy, isOrphan }: Resource): Owed {
  owed.count++;
  if (isBusy?.() === true) owed.busy++;
  if (isOrphan) owed.orphans++;
  owed.oldestMs = Math.max(owed.oldestMs, now() - openedAt);
  return owed;
}
