/** Puts the parts together. One probe per thread; the registry symbol lets `scope()` of any copy of outlive find it. */
import path from 'node:path';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { Flows } from './account/flow.ts';
import { Ledger } from './account/ledger.ts';
import { Scopes } from './account/scope.ts';
import { Sites, StackBudget, userFiles } from './account/site.ts';
import { openControl } from './control/control.ts';
import { handDown } from './hand-down/children.ts';
import { withInheritance } from './hand-down/inherit.ts';
import { Judge } from './judge/judge.ts';
import { watchCollections } from './process/collections.ts';
import { type Ending, onExit } from './process/exit.ts';
import { Collector, PRODUCTION_WAIT } from './process/gc.ts';
import { costOfOperations, Governor } from './process/governor.ts';
import { guarded } from './process/lapses.ts';
import { late } from './process/on-demand.ts';
import { Rhythm } from './process/rhythm.ts';
import { cpuMs, cpuNow, every, nodeMajor, now } from './process/runtime.ts';
import { readSettings } from './process/settings.ts';
import { onDeadlySignal } from './process/signals.ts';
import { newRunFolder } from './recording/folder.ts';
import { Notices } from './recording/notices.ts';
import { Recorder } from './recording/recorder.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { isWanted } from './telemetry/wanted.ts';
import { Desk } from './watch/desk.ts';
import { watchTimers } from './watch/handles/timers.ts';
import { watchModules } from './watch/modules.ts';
import { genericPool } from './watch/pools/generic-pool.ts';
import { oracledb } from './watch/pools/oracledb.ts';
import { pg } from './watch/pools/pg.ts';
import { watchHttpServers } from './watch/scopes/http.ts';
import { shedConnects } from './watch/unmark-pooled-sockets.ts';

/** What `outlive` (the public module) uses of the probe in its thread. */
export interface Probe {
  scope<T>(name: string, job: () => T): T;
}

const FOLDER = 'outlive.folder';
/** Between two forced collections in soak, milliseconds. */
const SOAK_GC_WAIT = 2000;
/** Stacks that a fresh process may take at once: short programs are seen whole. */
const BURST = { lease: 2000, interval: 500, 'one-shot': 500 };

export { hideModules } from './process/on-demand.ts';

/** `register`: the preload, for children too; `began`: CPU time of this thread when loading the probe began. */
export function startProbe(register: string, began: NodeJS.CpuUsage): Probe {
  return withInheritance(register, () => assemble(register, cpuMs(began)));
}

function assemble(register: string, began: number): Probe {
  const { settings, problems } = readSettings(process.env);
  const parent = process.env.OUTLIVE_PARENT;
  // worker threads write beside their main thread, whatever environment they are given
  const folder = path.resolve(String(getEnvironmentData(FOLDER) ?? '') || settings.out || newRunFolder());
  setEnvironmentData(FOLDER, folder);

  const ledger = new Ledger();
  const scopes = new Scopes(settings.scopes);
  const flows = new Flows();
  const sites = new Sites(userFiles(process.argv[1]), __dirname + path.sep);
  const isSoak = settings.mode === 'soak';
  const budget = (shape: keyof typeof BURST) =>
    new StackBudget(isSoak ? Number.POSITIVE_INFINITY : settings.stacks === 0 ? 0 : BURST[shape]);
  const budgets = { lease: budget('lease'), interval: budget('interval'), 'one-shot': budget('one-shot') };
  const notices = new Notices();
  const desk = new Desk(ledger, scopes, flows, sites, budgets, notices);
  const recorder = new Recorder(folder, Number(parent ?? 0), settings, ledger, sites, scopes);
  const judge = new Judge(ledger, scopes, settings);
  const collector = new Collector({
    enabled: settings.gc,
    wait: isSoak ? SOAK_GC_WAIT : PRODUCTION_WAIT,
    maxHeapBytes: settings.gcMaxMb * 1024 * 1024,
  });
  const control = process.env.OUTLIVE_CONTROL;
  const failPath = process.env.OUTLIVE_FAIL_PATH;
  // it brings Node's http, tls and crypto
  const inject = control && failPath ? guarded('inject', () => late(loadInject)) : null;
  const injector = inject && failPath ? guarded('inject', () => inject.startInjector(failPath, sites, ledger)) : null;
  let shedAgents = (): void => {};
  if (flows.supported)
    guarded('connects', () => {
      shedAgents = shedConnects(flows);
    });
  else recorder.unsupported(`flow-ended, superseded, hold-and-wait: Node ${nodeMajor} (they need 24)`);
  for (const problem of problems) recorder.unsupported(problem);

  const isOn = (adapter: string): boolean => !settings.off.includes(adapter);
  let sweepRequests = (): void => {};
  if (isOn('http')) {
    if (scopes.requests) sweepRequests = watchHttpServers(scopes);
    else if (settings.scopes === 'auto')
      recorder.unsupported(`request scopes: Node ${nodeMajor} (OUTLIVE_SCOPES=on turns them on at a cost)`);
  }
  const libraries = [genericPool(desk), ...pg(desk), oracledb(desk)].filter(({ name }) =>
    isOn(name === 'pg-pool' ? 'pg' : name),
  );
  const loaded = inject && injector ? inject.beneath(libraries, injector.libraries) : libraries;
  guarded('modules', () =>
    watchModules(
      loaded,
      (label) => recorder.adapter(label),
      () => shedAgents(),
    ),
  );
  const noteChild = (child: number, thread: number, argv: readonly string[]): void =>
    recorder.started(child, thread, argv);
  if (isOn('children')) guarded('children', () => handDown(folder, register, noteChild));
  if (isOn('timers')) guarded('timers', () => watchTimers(desk));

  watchCollections(() => recorder.collected());

  const governor = isSoak ? null : new Governor(settings.cpuPercent, now(), (what) => recorder.unsupported(what));
  const costMs = (): number => spent + sites.cost + costOfOperations(ledger, scopes);
  const govern = (): void => {
    if (!governor) return;
    const { user, system } = process.cpuUsage();
    const stacks = governor.look(costMs(), (user + system) / 1000, now(), sites.meanCost);
    for (const each of Object.values(budgets))
      each.grant(Math.min(stacks / 3, (settings.stacks * rhythm.period) / 1000));
    desk.isSparing = governor.step >= 1;
    desk.ignoresTimers = governor.step >= 3;
  };
  let telemetry: Telemetry | null = null;
  const findTelemetry = (): Telemetry | null => {
    if (telemetry || !isWanted(settings.telemetry)) return telemetry;
    // few services have anywhere to send it
    const { Telemetry } = late(loadTelemetry);
    telemetry = new Telemetry({
      ...{ when: settings.telemetry, ledger, sites, costMs, standing: judge.findings },
      thread: path.join(__dirname, 'telemetry/thread.js'),
      tell: (what) => recorder.unsupported(what),
    });
    return telemetry;
  };
  if (settings.telemetry === 'on') guarded('telemetry', findTelemetry);
  let spent = 0;
  const rhythm = new Rhythm(now(), isSoak);
  const judgeNow = (isOver: boolean, isLast: boolean): void => {
    sweepRequests();
    const asked = now();
    const waiting = judge.awaitsCollection(asked, isLast);
    const asking = now() - asked;
    const collected = waiting && collector.collect(now(), isLast);
    const began = now();
    const judgement = judge.judge(began, isOver);
    recorder.judgement(judgement, isLast);
    guarded('telemetry', () => telemetry?.judged(judgement));
    rhythm.judged(asking + now() - began);
    if (collected) collector.learned(!judge.awaitsCollection(now()));
  };
  const tick = (): void => {
    const began = now();
    const cpuBegan = cpuNow();
    if (rhythm.tick(began)) {
      stopTicking();
      stopTicking = startTicking();
    }
    if (rhythm.isTimeToJudge(began)) {
      judgeNow(false, false);
      rhythm.restFromJudging(began, governor !== null && governor.step >= 2);
    }
    const delay = rhythm.sample(began);
    if (delay !== null) {
      recorder.sample(delay);
      guarded('telemetry', () => findTelemetry()?.tick(delay));
      recorder.held(false);
      recorder.state(notices.look(), { cpuMs: costMs(), forcedGc: collector.forced }, false);
    }
    recorder.flush();
    spent += cpuNow() - cpuBegan;
    govern();
  };
  const startTicking = () => every(rhythm.period, () => guarded('tick', tick));
  let stopTicking = startTicking();
  const finish = ({ end, code, isDrained }: Ending): void => {
    guarded('last judgement', () => judgeNow(isDrained, true));
    recorder.sample(0);
    recorder.held(true);
    recorder.state(notices.look(), { cpuMs: costMs(), forcedGc: collector.forced }, true);
    recorder.end(end, code);
    guarded('telemetry', () => telemetry?.end());
    if (parent === undefined && isMainThread) guarded('report', () => writeOwnReport(folder));
  };
  onExit(finish);
  if (settings.signals && isMainThread) {
    onDeadlySignal(() => finish({ end: 'signal', code: 0, isDrained: false }));
  }

  if (control) {
    guarded('control', () =>
      openControl(control, settings.graceMs, {
        open: () => [...ledger.opened(now())].filter(({ account }) => account.shape !== 'one-shot').length,
        judge: (round) => {
          judgeNow(false, true);
          // also where nothing waited for a collection: what is left of the heap is comparable only after one
          collector.collect(now(), true);
          recorder.round(round, judge.standingCount);
          recorder.flush();
        },
        standing: () => judge.standingCount,
        injector: injector?.injector ?? null,
      }),
    );
  }

  recorder.flush();
  spent += cpuNow() - began;
  return {
    scope: (name, job) => scopes.run(name, job),
  };
}

function writeOwnReport(folder: string): void {
  // a child, or a service that is killed, never needs it
  late(loadReport).writeReport(folder);
}

// as the build names the files: see build.mjs
const loadInject = () => require('./control/inject/start.js') as typeof import('./control/inject/start.ts');
const loadTelemetry = () => require('./telemetry/telemetry.js') as typeof import('./telemetry/telemetry.ts');
const loadReport = () => require('./recording/build-report.js') as typeof import('./recording/build-report.ts');
