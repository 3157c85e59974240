/**
 * Of a program that did not end: its last round once more, this time under why-is-node-running too, which is then asked
 * what keeps it alive. The probe is asked at the same moment, of the same process.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Recording } from '../../../probe/recording/format.ts';
import type { KeptAlive, Opinion } from '../../../probe/recording/opinions.ts';
import { readRun } from '../../../probe/recording/reader.ts';
import { Control } from '../../control.ts';
import { Program, type ProgramOptions } from '../../service/program.ts';
import { failureWords } from '../failure.ts';
import { theirHandles } from './account.ts';
import { ANSWER, ASKED, FOLDER, PACKAGE } from './places.ts';
import { reconcile } from './reconcile.ts';

const PRELOAD = new URL('./preload.js', import.meta.url).href;
const ANSWER_LIMIT_MS = 5000;
const POLL_MS = 50;

export interface Replay {
  command: ProgramOptions['command'];
  log: string;
  /** Of the run, where its log goes on. */
  folder: string;
  /**
   * Does the last round, and has the program told to end; resolves once it should have ended, with whether it did.
   * Rejects when the user has had enough.
   */
  round(program: Program, control: Control): Promise<boolean>;
}

type Compared = NonNullable<Opinion['compared']>;

/** Never rejects: that there is no second opinion is one, too. */
export async function whyIsItRunning(replay: Replay): Promise<Opinion> {
  const version = versionOf();
  const opinion = { tool: PACKAGE, version, findings: [], page: null, compared: null };
  if (version === null) {
    const sentence = `The program did not end. A second opinion on what keeps it alive needs ${PACKAGE}: npm install --save-dev ${PACKAGE}.`;
    return { ...opinion, sentence };
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-why-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // who has no patience ends the soak in the middle
  process.once('exit', remove);
  try {
    const answers = await asked(replay, folder);
    if (answers === 'ended') return { ...opinion, sentence: 'In the replay of its last round the program ended.' };
    if (answers.length === 0) {
      const sentence = `${PACKAGE} gave no answer in the replay of the last round: the program's event loop may not turn.`;
      return { ...opinion, sentence };
    }
    const compared = answers.map(({ recording, text }) =>
      reconcile(recording, theirHandles(text, recording.process.cwd)),
    );
    return { ...opinion, ...told(compared) };
  } catch (error) {
    const sentence = `The last round could not be replayed under ${PACKAGE}: ${failureWords(error)}`;
    return { ...opinion, sentence };
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function asked({ command, log, folder, round }: Replay, temporary: string) {
  const control = await Control.open();
  try {
    const program = await Program.start({
      ...{ command, folder: temporary, log, control },
      env: { [FOLDER]: temporary },
      nodeOptions: `--import ${JSON.stringify(PRELOAD)}`,
    });
    // or it would go on writing there
    const kill = () => void program.kill();
    process.prependOnceListener('exit', kill);
    try {
      if (await round(program, control)) return 'ended' as const;
      await control.roundEnded(1).catch(() => null);
      writeFileSync(path.join(temporary, ASKED), '');
      return await answersIn(temporary);
    } finally {
      process.off('exit', kill);
      await program.kill();
    }
  } finally {
    control.close();
    // what it printed belongs to the run
    keepLog(path.join(temporary, log), path.join(folder, log));
  }
}

interface Answer {
  recording: Recording;
  text: string;
}

/** Of each process that answers; after the first one, others have little longer. */
async function answersIn(folder: string): Promise<Answer[]> {
  const names = () => readdirSync(folder).filter((name) => name.endsWith(ANSWER));
  for (let waited = 0; waited < ANSWER_LIMIT_MS && names().length === 0; waited += POLL_MS) await pause(POLL_MS);
  await pause(POLL_MS * 10);
  const { recordings } = readRun(folder);
  return names().flatMap((name) => {
    const pid = Number(name.slice(0, -ANSWER.length));
    const recording = recordings.find(({ process }) => process.pid === pid && process.thread === 0);
    return recording ? [{ recording, text: readFileSync(path.join(folder, name), 'utf8') }] : [];
  });
}

function told(accounts: readonly Compared[]): Pick<Opinion, 'sentence' | 'findings' | 'compared'> {
  const compared = {
    both: accounts.flatMap(({ both }) => both),
    onlyTheirs: accounts.flatMap(({ onlyTheirs }) => onlyTheirs),
    onlyOurs: accounts.flatMap(({ onlyOurs }) => onlyOurs),
  };
  const [both, theirs, ours] = [compared.both, compared.onlyTheirs, compared.onlyOurs].map(sum);
  const sentence = `The program did not end. Asked in a replay of its last round, both name ${both} of what keeps it alive, ${PACKAGE} alone ${theirs}, outlive alone ${ours}.`;
  return { sentence, findings: [], compared };
}

function sum(rows: readonly KeptAlive[]): number {
  return rows.reduce((total, { count }) => total + count, 0);
}

function keepLog(from: string, to: string): void {
  try {
    writeFileSync(to, `\n--- replay under ${PACKAGE} ---\n${readFileSync(from, 'utf8')}`, { flag: 'a' });
  } catch {
    // it never started
  }
}

/** Null: neither the project nor outlive has it. */
function versionOf(): string | null {
  for (const from of [path.join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      const entry = createRequire(from).resolve(PACKAGE);
      const manifest = readFileSync(path.join(path.dirname(entry), 'package.json'), 'utf8');
      return (JSON.parse(manifest) as { version: string }).version;
    } catch {
      // not there
    }
  }
  return null;
}
