/**
 * Tells people of a finding once, when it appears: a line on stderr, a message to a webhook (`OUTLIVE_NOTIFY`). Of a
 * suspect nobody is told. All processes that write to one folder tell it once together.
 *
 * Errs: what is found only as the process ends reaches no webhook, for that would delay its end; it is in the report.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Sites } from '../account/site.ts';
import type { Judgement } from '../judge/judge.ts';
import { guarded } from '../process/lapses.ts';
import { closeSync, OriginalWorker, openSync } from '../process/runtime.ts';
import { say } from '../process/say.ts';
import type { RecordedFinding } from '../recording/format.ts';
import { hostName } from '../recording/host.ts';
import { mask } from '../recording/mask.ts';
import type { TellingData } from './thread.ts';

/** Of one process. */
const MOST = 50;

export interface NotifierOptions {
  /** `stderr`, and addresses of webhooks. */
  to: readonly string[];
  folder: string;
  sites: Sites;
  release: string | null;
  /** File of the telling thread. */
  thread: string;
  /** Something could not be told. */
  failed(why: string): void;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #urls: readonly string[];
  readonly #told = new Set<string>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#urls = options.to.filter((each) => each !== 'stderr');
  }

  judged({ changed }: Judgement): void {
    const { to, folder } = this.#options;
    const messages: Message[] = [];
    for (const [key, finding] of changed) {
      if (finding.certainty === 'suspect' || this.#told.has(key) || this.#told.size >= MOST) continue;
      this.#told.add(key);
      if (isFirst(folder, key)) messages.push(this.#message(finding));
    }
    if (messages.length === 0) return;
    if (to.includes('stderr')) for (const { text } of messages) say(text);
    if (this.#urls.length > 0) this.#post(messages.map((message) => JSON.stringify(message)));
  }

  #post(bodies: readonly string[]): void {
    const workerData: TellingData = { urls: this.#urls, bodies };
    const settings = { workerData, execArgv: [], env: {}, stdout: true, stderr: true };
    const worker = new OriginalWorker(this.#options.thread, settings);
    const failed = (why: string) => guarded('notify', () => this.#options.failed(why));
    worker.on('message', failed);
    worker.on('error', () => failed('its thread failed'));
    // a listener to messages would hold the process open again
    worker.unref();
  }

  #message(finding: RecordedFinding): Message {
    const { certainty, kind, library, pool, detector, count, acquired, released } = finding;
    const frame = this.#options.sites.all[finding.site]?.stack[finding.frame];
    const site = frame ? { file: frame.file, line: frame.line, column: frame.column, function: frame.function } : null;
    const evidence = finding.evidence.map((sentence) => mask(sentence));
    const where = site ? `${site.file}:${site.line}` : 'an unknown line';
    const what = `${count} of ${acquired} not given back (${kind}, ${library}${pool === null ? '' : `, ${mask(pool)}`})`;
    return {
      event: 'outlive.finding',
      text: oneLine(`outlive: ${certainty}: ${where}: ${what}. ${evidence[0] ?? ''}`),
      ...{ certainty, kind, library, pool: pool === null ? null : mask(pool), detector, count, acquired, released },
      ...{ site, evidence, host: hostName(), pid: process.pid, release: this.#options.release },
    };
  }
}

/** `text`: the whole in one line, as the webhooks of chats take it. */
interface Message
  extends Pick<
    RecordedFinding,
    'certainty' | 'kind' | 'library' | 'pool' | 'detector' | 'count' | 'acquired' | 'released' | 'evidence'
  > {
  event: 'outlive.finding';
  text: string;
  site: { file: string; line: number; column: number; function: string } | null;
  host: string;
  pid: number;
  release: string | null;
}

/** Whether no other process of the run has told it. Where nothing can be written, each tells it. */
function isFirst(folder: string, key: string): boolean {
  const name = `told-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
  try {
    closeSync(openSync(path.join(folder, name), 'wx', 0o600));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EEXIST';
  }
}

function oneLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/\p{Cc}/gu, '')
    .trim();
}
