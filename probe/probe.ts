/** The probe of one thread: puts the rooms together, looks from time to time, and writes down what it sees. */
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { costOfOperations } from './account/cost.ts';
import type { Crowd } from './account/crowd.ts';
import { Flows } from './account/flow.ts';
import { GonePools } from './account/gone-pools.ts';
import type { GrowthWatch } from './account/growth.ts';
import { Ledger } from './account/ledger.ts';
import { Notices } from './account/notices.ts';
import { openByKind } from './account/open-by-kind.ts';
import { numbersOf, type PoolNumbers } from './account/pool-numbers.ts';
import { Scopes } from './account/scope.ts';
import { Sites, userFiles } from './account/site.ts';
import { StackBudgets } from './account/stack-budgets.ts';
import { Stakes } from './account/stakes.ts';
import type { AdapterName } from './adapters.ts';
import type { Injected } from './control/inject/start.ts';
import { handDown } from './hand-down/children.ts';
import { withInheritance } from './hand-down/inherit.ts';
import type { Judge, Judgement, LookOptions } from './judge/judge.ts';
import type { Notifier } from './notify/notifier.ts';
import { PARTS } from './parts.ts';
import type { Method } from './process/around.ts';
import { watchCollections } from './process/collections.ts';
import { type Ending, onExit } from './process/exit.ts';
import { Collector, PRODUCTION_WAIT } from './process/gc.ts';
import { Governor } from './process/governor.ts';
import { guarded, switchAllOff } from './process/lapses.ts';
import { takeBack } from './process/leaving.ts';
import { keepCompiled, loadOnDemand } from './process/on-demand.ts';
import { Rhythm } from './process/rhythm.ts';
import { cpuMs, cpuNow, every, later, nodeMajor, now } from './process/runtime.ts';
import { readSettings, type Settings } from './process/settings.ts';
import { onDeadlySignal } from './process/signals.ts';
import type { Written } from './proof/heap-snapshot.ts';
import { Prover } from './proof/prover.ts';
import { Recorder } from './record/recorder.ts';
import { folderOfRun } from './record/run-folder.ts';
import type { Kind, RecordedFinding } from './recording/format.ts';
import { writeQuietReport } from './recording/quiet-report.ts';
import { type SnapshotName, snapshotFileOf } from './recording/snapshot-names.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { isWanted } from './telemetry/wanted.ts';
import type { Tests } from './tests.ts';
import { mapSupport, watchCompilers } from './watch/compilers.ts';
import { Desk, type PoolKind } from './watch/desk.ts';
import { watchElsewhere } from './watch/elsewhere.ts';
import { watchHandles } from './watch/handles.ts';
import { type Beneath, watchLibraries } from './watch/libraries.ts';
import { watchPublished } from './watch/published.ts';
import { Followed } from './watch/scopes/followed.ts';
import { watchHttpServers, whenServing } from './watch/scopes/http.ts';
import { unmarkPooledSockets } from './watch/unmark-pooled-sockets.ts';
import { Unwatched } from './watch/unwatched/unwatched.ts';

/** Between two forced collections in soak, milliseconds. */
const SOAK_GC_WAIT = 2000;
/** A look holds the event loop for so long at most, then lets it have its turn; milliseconds. */
const LOOK_MS = 2;
const LOOK_PAUSE_MS = 4;
/** How to have requests as scopes where they are not so by themselves. */
const TURN_ON = 'OUTLIVE_SCOPES=on turns them on at a cost';
/** Settled: the number of open resources has not changed for so long; milliseconds. */
const SETTLE_MS = 100;
/** Finalizers have a turn of the event loop in it; milliseconds. */
const COLLECT_PAUSE_MS = 20;

/** How things stand at rest. */
export interface Checkpoint {
  open: Partial<Record<Kind, number>>;
  /** All that stand, and those that did not at the checkpoint before. */
  standing: RecordedFinding[];
  fresh: RecordedFinding[];
}

/** For the guard of a test runner: keeps the account, and judges, writes and hands down nothing of its own accord. */
export function startForTests(register: string, began: NodeJS.CpuUsage): Probe {
  const { settings, problems } = readSettings(process.env);
  const off = [...settings.off, 'children'];
  const probe = new Probe(register, {
    ...{ settings: { ...settings, mode: 'test', scopes: 'on', off }, problems },
    // where nothing is written, none is made: whoever watches the project's files would run its tests again
    folder: path.resolve(settings.out),
  });
  probe.start(cpuMs(began));
  return probe;
}

/** `register`: the preload, for children too; `began`: CPU time of this thread when loading the probe began. */
export function startProbe(register: string, began: NodeJS.CpuUsage): Probe {
  return withInheritance(register, () => {
    const { OUTLIVE_PARENT: parent, OUTLIVE_CONTROL: control } = process.env;
    const given = readSettings(process.env);
    const probe = new Probe(register, { ...given, folder: folderOfRun(given.settings.out), parent, control });
    probe.start(cpuMs(began));
    return probe;
  });
}

export interface ProbeOptions extends ReturnType<typeof readSettings> {
  /** Where it writes; an absolute path. */
  folder: string;
  /** pid of the probed process that started this one. */
  parent?: string | undefined;
  /** Where a soak's side door is to open. */
  control?: string | undefined;
  /** Attached to a program that runs, which it is to leave as it was: the thread alone is watched. */
  isLate?: boolean;
}

export class Probe {
  /** Where it writes. */
  readonly folder: string;
  readonly #register: string;
  readonly #settings: Settings;
  readonly #isSoak: boolean;
  readonly #isTest: boolean;
  readonly #isLate: boolean;
  readonly #parent: string | undefined;
  readonly #control: string | undefined;
  readonly #stakes = new Stakes();
  readonly #ledger = new Ledger(this.#stakes);
  readonly #gonePools = new GonePools(this.#ledger);
  readonly #flows = new Flows(this.#stakes);
  readonly #notices = new Notices();
  readonly #crowds: Crowd[] = [];
  /** Null unless it was asked for. */
  #growths: GrowthWatch | null = null;
  readonly #scopes: Scopes;
  readonly #sites: Sites;
  readonly #stacks: StackBudgets;
  readonly #recorder: Recorder;
  readonly #desk: Desk;
  /** Null as long as there was nothing to judge. */
  #judge: Judge | null = null;
  readonly #collector: Collector;
  readonly #prover: Prover;
  #tests: Tests | null = null;
  /** Tells of a module that Node's own loader did not load: its file, and the module, whose exports may be replaced. */
  loaded: (file: string, module: { exports: unknown }) => void = () => {};
  readonly #rhythm: Rhythm;
  readonly #governor: Governor | null;
  #injected: Injected | null = null;
  #telemetry: Telemetry | null = null;
  #notifier: Notifier | null = null;
  #unwatched: Unwatched | null = null;
  /** Handles that were there before; null: the probe was. */
  #present: WeakSet<object> | null = null;
  /** Null: all requests are followed, or none is. */
  readonly #followed: Followed | null;
  /** Ends the scopes of requests that were cut off. */
  #sweepRequests = (): void => {};
  #stopTicking = (): void => {};
  /** CPU milliseconds of what is timed. */
  #spent = 0;
  /** The look that is under way, and whether a collection preceded it. */
  #looking: Generator<void, Judgement> | null = null;
  #hasCollected = false;
  /** As of the look before. */
  #awaitedCollection = false;
  /** Keys of findings that stood at the last checkpoint. */
  #known: ReadonlySet<string> = new Set();

  constructor(register: string, { settings, problems, folder, parent, control, isLate = false }: ProbeOptions) {
    this.#register = register;
    this.#settings = settings;
    this.#isSoak = settings.mode === 'soak';
    this.#isTest = settings.mode === 'test';
    const isShort = this.#isSoak || this.#isTest;
    this.#isLate = isLate;
    this.#parent = parent;
    this.#control = control;
    this.folder = folder;
    this.#scopes = new Scopes(settings.scopes, this.#stakes);
    // the program that runs is the runner, which is nobody's own
    const isUser = userFiles(this.#isTest ? undefined : process.argv[1]);
    this.#sites = new Sites(isUser, [__dirname, path.join(__dirname, '../guards')]);
    this.#stacks = new StackBudgets(
      isShort ? Number.POSITIVE_INFINITY : settings.stacks === 0 ? 0 : null,
      this.#stakes,
    );
    const parts = { ledger: this.#ledger, scopes: this.#scopes, sites: this.#sites };
    this.#recorder = new Recorder({
      ...{ ...parts, folder, parent: Number(parent ?? 0), settings, isLate },
      sourceLines: () => new (loadOnDemand(PARTS.sourceLines).SourceLines)(this.#sites),
    });
    for (const problem of problems) this.#recorder.unsupported(problem);
    const { flows, notices, stacks } = { flows: this.#flows, notices: this.#notices, stacks: this.#stacks };
    const unseen = (what: string, why: string) => this.#recorder.unseen(what, why);
    this.#desk = new Desk({ ...parts, flows, notices, stacks, isLate, unseen });
    this.#collector = new Collector({
      enabled: settings.gc,
      wait: settings.proof === 'on' ? 0 : this.#isSoak ? SOAK_GC_WAIT : PRODUCTION_WAIT,
      maxHeapBytes: settings.gcMaxMb * 1024 * 1024,
      isOnDemand: isLate,
    });
    this.#prover = new Prover({
      ...{ ledger: this.#ledger, collector: this.#collector, isOn: settings.proof !== 'off', heals: settings.heal },
      hasGrowth: () => this.#growths?.hasMatter() === true,
    });
    this.#rhythm = new Rhythm(now(), isShort);
    const unsupported = (what: string) => this.#recorder.unsupported(what);
    this.#followed = isShort || settings.scopes !== 'auto' ? null : new Followed(now(), this.#stakes);
    this.#governor = isShort ? null : new Governor(settings.cpuPercent, now(), unsupported);
  }

  /** `began`: CPU milliseconds of this thread when loading the probe began. */
  start(began: number): void {
    if (this.#isLate) {
      this.#present = guarded('active-handles', () => loadOnDemand(PARTS.activeHandles).presentHandles()) ?? null;
    }
    const beneath = this.#startInjector();
    const unmark = this.#unmarkSockets();
    this.#watchRequests();
    const onAny = (!this.#isLate && guarded('compilers', () => watchCompilers(this.#sites.scripts))) || (() => {});
    const libraries = guarded('modules', () =>
      watchLibraries({
        ...{ desk: this.#desk, off: this.#settings.off, onHttp: unmark, onAny },
        beneath: { ...beneath, ...mapSupport(this.#sites.scripts) },
        attached: (label) => this.#recorder.adapter(label),
      }),
    );
    // what is loaded is loaded; a library's way to Node's `http` is not seen any more
    if (this.#isLate) unmark();
    if (libraries) this.loaded = libraries.loaded;
    if (libraries && !this.#isTest) {
      this.#unwatched = new Unwatched({
        ...{ sites: this.#sites, libraries, unseen: this.#desk.unseen },
        loadConnects: () => loadOnDemand(PARTS.connects),
        loadBundles: () => loadOnDemand(PARTS.bundles),
      });
    }
    if (!this.#isLate && !this.#settings.off.includes('children')) {
      guarded('children', () =>
        handDown(this.folder, this.#register, (pid, thread, argv) => this.#recorder.started(pid, thread, argv)),
      );
    }
    if (this.#flows.supported) guarded('elsewhere', () => watchElsewhere(this.#desk));
    watchHandles(this.#desk, { off: this.#settings.off, crowds: this.#crowds, isForTests: this.#isTest });
    if (this.#settings.growth && !this.#isLate) {
      const isOwnCall = (wrapper: Method) => this.#sites.isOwnCall(wrapper);
      this.#growths = guarded('growth', () => loadOnDemand(PARTS.growth).watchGrowth(this.#desk, isOwnCall)) ?? null;
    }
    if (this.#isOn('lease')) guarded('lease', () => watchPublished(this.#desk, PARTS.published));
    // once for all that was replaced: each time is a walk over every module of Node's
    syncBuiltinESMExports();
    if (this.#isTest) return;
    watchCollections(() => this.#recorder.collected());
    if (this.#settings.telemetry === 'on') guarded('telemetry', () => this.#findTelemetry());
    this.#startTicking();
    onExit((ending) => this.finish(ending));
    if (this.#settings.signals && isMainThread) {
      onDeadlySignal(() => this.finish({ end: 'signal', code: 0, isDrained: false }));
    }
    guarded('heapdump', () => this.#writeOnSignal());
    if (this.#control)
      guarded('control', () =>
        loadOnDemand(PARTS.control).openControl(this.#control ?? '', this, this.#injected?.injector ?? null),
      );
    this.#recorder.flush();
    this.#spent += cpuNow() - began;
  }

  /** By itself, too: whoever finds the probe may take the function out of it. */
  readonly scope = <T>(name: string, job: () => T): T => this.#scopes.run(name, job);

  /**
   * Lets things come to rest (until the number of what is open no longer changes, but no longer than `withinMs`, then
   * the grace), collects, and judges. A soak's round; `round` is written down with it.
   */
  async checkpoint({ withinMs = 5000, round }: { withinMs?: number; round?: number } = {}): Promise<Checkpoint> {
    await this.#settle(withinMs);
    // what outlived its scope does so only after a grace: nothing else runs meanwhile
    await pause(this.#settings.graceMs);
    this.#unwatched?.finish();
    // the one collection before a judgement may leave what only a second one takes
    if (round !== undefined && this.#prover.judgesWhatIsLeft()) await this.#collectWell();
    this.#judgeWhole({});
    this.#judge?.rest(now());
    const isCollected = await this.#collectWell();
    const findings = this.#judge?.findings ?? new Map<string, RecordedFinding>();
    this.#writeHandles(true);
    if (round !== undefined) this.#recorder.round(round, findings.size, isCollected);
    this.#writeState(true);
    this.#recorder.flush();
    const fresh = [...findings].filter(([key]) => !this.#known.has(key)).map(([, finding]) => finding);
    this.#known = new Set(findings.keys());
    return { open: openByKind(this.#ledger), standing: [...findings.values()], fresh };
  }

  /**
   * What is left of the heap is comparable only after a collection, and after a second one: what the first one found
   * dead may hold more until its finalizers have run. False where none is allowed.
   */
  async #collectWell(): Promise<boolean> {
    if (!this.#collector.mayCollect(now(), true)) return false;
    this.#collector.waitForCompilers();
    this.#collector.collect(now(), true);
    await pause(COLLECT_PAUSE_MS);
    return this.#collector.collect(now(), true);
  }

  /** Writes who holds what beside the recording. Returns null, or a sentence why not. */
  snapshot(name: SnapshotName, maxMb: number): string | null {
    const began = cpuNow();
    const written = this.#writeSnapshot(name, maxMb);
    this.#spent += cpuNow() - began;
    return typeof written === 'string' ? written : null;
  }

  #writeOnSignal(): void {
    const { heapdump: signal } = this.#settings;
    if (signal === 'off' || !isMainThread) return;
    // who sends it has agreed to the pause: that is no cost of the probe's
    loadOnDemand(PARTS.onSignal).onSignal(signal, (nth) => this.#writeSnapshot(nth, Number.POSITIVE_INFINITY));
  }

  #writeSnapshot(name: SnapshotName, maxMb: number): Written | string {
    const { writeMarkedSnapshot } = loadOnDemand(PARTS.heapSnapshot);
    const file = snapshotFileOf(this.#recorder.file, name);
    return writeMarkedSnapshot(file, this.#findJudge()?.openByKey(now()) ?? [], maxMb);
  }

  /** Resources that somebody owes: what ends by itself is not counted. */
  get owedCount(): number {
    let count = 0;
    for (const resource of this.#ledger.opened(now())) if (resource.account.source.nature.entry === 'each') count++;
    return count;
  }

  /** At the end of the process: judges a last time, and writes the report where this is the outermost. */
  finish(ending: Ending): void {
    const { end, code, isDrained } = ending;
    guarded('inject', () => this.#injected?.atEnd(ending));
    const options = { isEnd: true, isOver: isDrained, ending: this.#flows.current() };
    this.#ledger.isDrained = isDrained;
    this.#conclude(() => this.#judgeWhole(options), isDrained);
    this.#recorder.end(end, code);
    guarded('telemetry', () => this.#telemetry?.end());
    if (this.#parent === undefined && isMainThread && !this.#isLate) {
      guarded('report', () => {
        // what is read and written now is the probe's own
        switchAllOff();
        this.#writeReport();
      });
    }
    keepCompiled();
  }

  /** A child, or a service that is killed, never needs what it is made with; and most others little of it. */
  #writeReport(): void {
    const owner = { pid: process.pid, startedMs: this.#recorder.startedMs };
    const { folder } = this;
    const read = (file: string) => loadOnDemand(PARTS.readRecording).readRecording(file);
    if (this.#judge === null && writeQuietReport(folder, owner, this.#recorder, read)) return;
    loadOnDemand(PARTS.report).writeReportOf(folder, owner);
  }

  #conclude(judge: () => void, isDrained = false): void {
    this.#unwatched?.finish();
    guarded('last judgement', judge);
    this.#recorder.sample(0);
    // an event loop that ran dry is held by nothing
    if (!isDrained) this.#writeHandles(true);
    this.#recorder.held(true);
    this.#writeState(true);
  }

  /** For guards in test runners. */
  get tests(): Tests {
    this.#tests ??= new (loadOnDemand(PARTS.tests).Tests)(this.#ledger, this.#scopes, this.#prover);
    return this.#tests;
  }

  /** How pools are known that are there already. */
  get poolKinds(): readonly PoolKind[] {
    return this.#desk.poolKinds;
  }

  /** All pools that were seen, with their numbers now. */
  pools(): PoolNumbers[] {
    return numbersOf(this.#ledger, now());
  }

  /** Something of this process is not watched: what, and why. */
  unseen(what: string, why: string): void {
    this.#recorder.unseen(what, why);
  }

  /** Loads what judging needs, so that a collection that follows holds the service for nothing else. */
  prepare(): void {
    guarded('last judgement', () => this.#findJudge() && this.#collector.mayCollect(now(), true));
  }

  /** Asks at once who can still reach what is lent: one collection. Nothing may be dereferenced before in this job. */
  collect(): void {
    guarded('last judgement', () => this.#collectAtOnce());
  }

  /** Judges by what was last collected: in another job, so that the service is not held for both together. */
  judge(): void {
    guarded('last judgement', () => this.#judgeAtOnce({}));
    this.#recorder.flush();
  }

  /** Takes back whatever was changed in the process: it goes on as if nobody had come. */
  leave(): void {
    this.#conclude(() => this.#judgeAtOnce({}));
    this.#recorder.end('running', 0);
    this.#stopTicking();
    for (const { pool } of this.#ledger.sources) guarded('modules', () => pool?.forget?.());
    this.#flows.end();
    this.#scopes.stop();
    switchAllOff();
    takeBack();
    syncBuiltinESMExports();
  }

  #isOn(adapter: AdapterName): boolean {
    return !this.#settings.off.includes(adapter);
  }

  /** Operations that fail on demand are made beneath the adapters' own hooks. */
  #startInjector(): Beneath {
    const failPath = process.env.OUTLIVE_FAIL_PATH;
    if (!this.#control || !failPath) return {};
    // it brings Node's http, tls and crypto
    const turns = process.env.OUTLIVE_TURNS;
    const start = () => loadOnDemand(PARTS.inject).startInjector(failPath, this.#sites, this.#ledger, turns);
    this.#injected = guarded('inject', start) ?? null;
    return this.#injected?.beneath ?? {};
  }

  /** Returns what to call when Node's `http` is loaded. */
  #unmarkSockets(): () => void {
    if (this.#flows.supported) {
      return guarded('unmark-pooled-sockets', () => unmarkPooledSockets(this.#flows)) ?? (() => {});
    }
    this.#recorder.unsupported(`flow-ended, superseded, hold-and-wait: Node ${nodeMajor} (they need 24)`);
    return () => {};
  }

  #watchRequests(): void {
    if (this.#isOn('http') && this.#scopes.requests) {
      this.#sweepRequests = watchHttpServers(this.#scopes, !this.#isTest, this.#followed);
      return;
    }
    const isChosen = !this.#isOn('http') || this.#settings.scopes === 'off';
    if (!isChosen) this.#recorder.unsupported(`request scopes: Node ${nodeMajor} (${TURN_ON})`);
    const off = isChosen ? 'They were switched off' : `They are off on Node ${nodeMajor} (${TURN_ON})`;
    whenServing(() =>
      this.#recorder.unseen('request scopes', `${off}: what outlives its request was not told from what is kept.`),
    );
  }

  #startTicking(): void {
    this.#stopTicking();
    this.#stopTicking = every(this.#rhythm.period, () => guarded('tick', () => this.#tick()));
  }

  #tick(): void {
    const began = now();
    const cpuBegan = cpuNow();
    if (this.#rhythm.tick(began)) this.#startTicking();
    this.#followed?.grant(began);
    this.#stakes.pass();
    if (this.#looking === null && this.#rhythm.isTimeToJudge(began)) this.#look(began);
    this.#unwatched?.tick();
    this.#writeHandles(false);
    const delay = this.#rhythm.sample(began);
    if (delay !== null) {
      if (this.#looking === null) this.#gonePools.fold();
      this.#recorder.sample(delay);
      guarded('telemetry', () => this.#findTelemetry()?.tick(delay));
      this.#recorder.held(false);
      this.#writeState(false);
    }
    this.#recorder.flush();
    this.#spent += cpuNow() - cpuBegan;
    this.#govern();
  }

  /** A look in slices, so that a hundred thousand open resources do not hold the loop. */
  #look(at: number): void {
    this.#sweepRequests();
    const judge = this.#findJudge();
    if (!judge) return;
    if (judge.hasRunOut) this.#collector.hurry(at);
    const isDue = judge.awaitsCollection || judge.hasRunOut || this.#settings.proof === 'on';
    this.#hasCollected = isDue && this.#prover.collect(at, false);
    this.#looking = judge.looking(now(), this.#collections);
    this.#goOnLooking();
  }

  #goOnLooking(): void {
    const looking = this.#looking;
    if (looking === null) return;
    const began = now();
    for (;;) {
      const { done, value } = looking.next();
      if (done) {
        this.#looking = null;
        this.#rhythm.judged(now() - began);
        this.#judged(value, false);
        this.#rhythm.restFromJudging(now(), this.#governor !== null && this.#governor.step >= 2);
        this.#collectSoon();
        return;
      }
      if (now() - began > LOOK_MS) break;
    }
    this.#rhythm.judged(now() - began);
    this.#soon(() => this.#goOnLooking());
  }

  /** In a job of its own. */
  #soon(look: () => void): void {
    later(LOOK_PAUSE_MS, () =>
      guarded('tick', () => {
        const cpuBegan = cpuNow();
        look();
        // the tick that began it has written what there was then
        if (this.#looking === null) this.#recorder.flush();
        this.#spent += cpuNow() - cpuBegan;
      }),
    );
  }

  /** The first that waits for a collection need not wait for the next tick too: a process may be killed by then. */
  #collectSoon(): void {
    const { awaitsCollection = false } = this.#judge ?? {};
    const isFirst = awaitsCollection && !this.#awaitedCollection && !this.#hasCollected;
    this.#awaitedCollection = awaitsCollection;
    if (!isFirst) return;
    this.#soon(() => {
      if (this.#looking === null) this.#look(now());
    });
  }

  /** At once, and of everything. */
  #judgeWhole(options: LookOptions): void {
    this.#collectAtOnce();
    this.#judgeAtOnce(options);
  }

  #collectAtOnce(): void {
    this.#stopLooking();
    this.#sweepRequests();
    const judge = this.#findJudge();
    this.#hasCollected = judge?.awaitsLastCollection(now()) === true && this.#prover.collect(now(), true);
  }

  #judgeAtOnce(options: LookOptions): void {
    this.#stopLooking();
    const judge = this.#findJudge();
    if (!judge) return;
    this.#judged(judge.judge(now(), { ...options, ...this.#collections }), true);
  }

  get #collections(): Pick<LookOptions, 'collectedAt' | 'triedAt'> {
    return { collectedAt: this.#collector.sureAt, triedAt: this.#collector.lastAt };
  }

  /** In slices, that is: what one has looked at it may hold. */
  #stopLooking(): void {
    this.#looking?.return(undefined as never);
    this.#looking = null;
  }

  /** Many processes never have anything to judge: children, scripts. */
  #findJudge(): Judge | null {
    if (this.#judge || !(this.#ledger.hasMatter || this.#crowds.length > 0 || this.#growths)) return this.#judge;
    const { Judge } = loadOnDemand(PARTS.judge);
    this.#judge = new Judge(this.#ledger, this.#scopes, this.#settings, this.#crowds, this.#growths);
    return this.#judge;
  }

  #judged(judgement: Judgement, isLast: boolean): void {
    this.#recorder.judgement(judgement, isLast);
    this.#followed?.found(judgement.changed, this.#judge?.hasSuspect === true, now());
    guarded('telemetry', () => this.#telemetry?.judged(judgement));
    if (this.#settings.notify.length > 0) guarded('notify', () => this.#notify(judgement));
    if (this.#hasCollected) this.#collector.learned(this.#judge?.awaitsCollection === false);
  }

  #notify(judgement: Judgement): void {
    if (this.#isTest || judgement.changed.size === 0) return;
    this.#notifier ??= new (loadOnDemand(PARTS.notifier).Notifier)({
      ...{ to: this.#settings.notify, folder: this.folder, sites: this.#sites, release: this.#recorder.release },
      thread: path.join(__dirname, 'notify/thread.js'),
      failed: (why) => this.#recorder.unsupported(`notify: a webhook was not told of a finding, for ${why}`),
    });
    this.#notifier.judged(judgement);
  }

  #writeHandles(isLast: boolean): void {
    this.#recorder.handles(isLast, () => loadOnDemand(PARTS.activeHandles).activeHandles(this.#ledger, this.#present));
  }

  #writeState(isLast: boolean): void {
    const cost = { cpuMs: this.#costMs(), forcedGc: this.#collector.forced };
    this.#recorder.state(this.#notices.look(), cost, isLast);
  }

  #costMs(): number {
    return this.#spent + this.#sites.cost + costOfOperations(this.#ledger, this.#scopes);
  }

  #govern(): void {
    const governor = this.#governor;
    if (!governor) return;
    const { user, system } = process.cpuUsage();
    const stacks = governor.look(this.#costMs(), (user + system) / 1000, now(), this.#sites.meanCost);
    this.#stacks.grant(stacks, (this.#settings.stacks * this.#rhythm.period) / 1000);
    this.#stacks.isSparing = governor.step >= 1;
    if (governor.step >= 3 && !this.#desk.ignoresCounted) {
      this.#recorder.unseen('timers', 'The probe took too much CPU time and left out new ones (OUTLIVE_CPU_PERCENT).');
    }
    this.#desk.ignoresCounted = governor.step >= 3;
  }

  #findTelemetry(): Telemetry | null {
    if (this.#telemetry || !isWanted(this.#settings.telemetry)) return this.#telemetry;
    // few services have anywhere to send it
    const { Telemetry } = loadOnDemand(PARTS.telemetry);
    this.#telemetry = new Telemetry({
      ...{
        when: this.#settings.telemetry,
        spans: this.#settings.spans,
        ledger: this.#ledger,
        sites: this.#sites,
        standing: this.#judge?.findings ?? new Map(),
      },
      costMs: () => this.#costMs(),
      thread: path.join(__dirname, 'telemetry/thread.js'),
      tell: (what) => this.#recorder.unsupported(what),
    });
    return this.#telemetry;
  }

  async #settle(withinMs: number): Promise<void> {
    const until = now() + withinMs;
    for (let last = -1, count = this.owedCount; count !== last && now() < until; count = this.owedCount) {
      last = count;
      await pause(SETTLE_MS);
    }
  }
}

/** By a timer of the probe's own, which never holds the process open. */
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => later(milliseconds, resolve));
}
