/**
 * The same load once more, under one of Clinic's tools and without the probe, which would be part of what it measures.
 * Its page goes beside the report. Clinic ends the program itself, once the load is over: by `--on-port`, and
 * Bubbleprof, where that does not work, by the SIGINT that it passes on.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OPINIONS_FOLDER, type Opinion } from '../../../probe/recording/opinions.ts';
import { makeFolder, writeOwn } from '../../../probe/recording/own.ts';
import { Program } from '../../service/program.ts';
import { failureWords } from '../failure.ts';
import { doctorSays } from './doctor.ts';
import { type Clinic, type ClinicTool, findClinic } from './find.ts';
import { bubbleprofSays, flameSays, heapProfilerSays } from './profiles.ts';

const GATE = fileURLToPath(new URL('./gate.js', import.meta.url));
const EXIT = new URL('./exit.js', import.meta.url).href;
/** Clinic may take longer to analyse than the load took. */
const ANALYSIS_LIMIT_MS = 300_000;
/** What tools leave where the program runs when they are stopped. */
const LEFTOVERS = /^(?:node_trace\.\d+|isolate.*-v8|\d+-v8)\.log$/;

interface Tool {
  endsBy: 'port' | 'SIGINT';
  /** From its page, and the data that it collected, by the end of the file's name. */
  says(page: string, data: (end: string) => string): string[];
}

const TOOLS: Readonly<Record<ClinicTool, Tool>> = {
  doctor: { endsBy: 'port', says: doctorSays },
  bubbleprof: { endsBy: 'SIGINT', says: bubbleprofSays },
  flame: { endsBy: 'port', says: (_, data) => flameSays(data('-samples')) },
  heapprofiler: { endsBy: 'port', says: (_, data) => heapProfilerSays(data('.clinic-heapprofiler')) },
};

export interface ClinicRun {
  tool: ClinicTool;
  command: readonly [string, ...string[]];
  /** Of the report. */
  folder: string;
  /** Waits until the program listens, and gives it its load. */
  load(program: Program): Promise<void>;
  /** The user has had enough: also of Clinic's analysis. */
  signal: AbortSignal;
}

/** Never rejects: what failed is told as a sentence. */
export async function underClinic(run: ClinicRun): Promise<Opinion> {
  const { tool, command } = run;
  const name = `clinic ${tool}`;
  const clinic = findClinic();
  const opinion: Opinion = {
    ...{ tool: name, version: clinic?.version ?? null, sentence: '', findings: [], page: null, compared: null },
  };
  if (!clinic) {
    return {
      ...opinion,
      sentence: 'Clinic is not installed, so there is no second opinion: npm install --save-dev clinic.',
    };
  }
  if (!/^node(?:\.exe)?$/.test(path.basename(command[0]))) {
    const sentence = `Clinic runs programs that are started by node alone, not by ${path.basename(command[0])}.`;
    return { ...opinion, sentence };
  }
  const before = new Set(readdirSync('.'));
  const temporary = mkdtempSync(path.join(tmpdir(), 'outlive-clinic-'));
  try {
    const { page, findings } = await pageOf(run, clinic, temporary);
    return {
      ...opinion,
      sentence: `The same load was given once more, under ${name} and without outlive.`,
      findings,
      page,
    };
  } catch (error) {
    return { ...opinion, sentence: `${name} ${clinic.version} made no page: ${failureWords(error)}` };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    for (const file of readdirSync('.')) if (LEFTOVERS.test(file) && !before.has(file)) rmSync(file, { force: true });
  }
}

async function pageOf({ tool, command, folder, load, signal }: ClinicRun, { script }: Clinic, temporary: string) {
  const { endsBy, says } = TOOLS[tool];
  const gate = path.join(temporary, 'gate');
  const data = path.join(temporary, 'data');
  writeFileSync(gate, '');
  const onPort = [process.execPath, GATE, gate].map((word) => JSON.stringify(word)).join(' ');
  const program = await Program.start({
    command: [
      ...([process.execPath, script, tool, '--open=false', '--dest', data] as const),
      ...(endsBy === 'port' ? ['--on-port', onPort] : []),
      ...['--', ...command],
    ],
    ...{ folder: temporary, log: 'log', isProbed: false },
    // it would ask, and tell others
    env: { NO_INSIGHT: '1', NO_UPDATE_NOTIFIER: '1', ...(endsBy === 'SIGINT' && { NODE_OPTIONS: nodeOptions() }) },
  });
  try {
    await load(program);
    signal.throwIfAborted();
    rmSync(gate);
    if (endsBy === 'SIGINT') program.interrupt();
    const late = pause(ANALYSIS_LIMIT_MS, null, { ref: false, signal });
    const ended = await Promise.race([program.ended, late]);
    const made = existsSync(data) ? readdirSync(data).find((name) => name.endsWith('.html')) : undefined;
    if (!made) throw new Error(ended ? `${program.lastWords()}.` : 'it did not end within five minutes.');
    const html = readFileSync(path.join(data, made), 'utf8');
    const page = `${OPINIONS_FOLDER}/clinic-${tool}.html`;
    makeFolder(path.join(folder, OPINIONS_FOLDER));
    writeOwn(path.join(folder, page), html);
    return { page, findings: findingsIn(data, html, says) };
  } finally {
    await program.kill();
  }
}

function nodeOptions(): string {
  return [process.env.NODE_OPTIONS, `--import ${JSON.stringify(EXIT)}`].filter(Boolean).join(' ');
}

/** A page without what is looked for is still a page. */
function findingsIn(folder: string, html: string, says: Tool['says']): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  try {
    return says(html, (end) => {
      const file = files.find((name) => name.endsWith(end));
      return file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8');
    });
  } catch {
    return [];
  }
}
