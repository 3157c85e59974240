/** The inspector of a process, as far as attaching needs it: its main thread, its worker threads, and code run in either. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketClient } from './web-socket.ts';

type Params = Record<string, unknown>;

/** What comes back: an answer to a call, or an event. */
interface Message {
  id?: number;
  result?: unknown;
  error?: { message: string };
  method?: string;
  params?: Params;
}

/** A value, as V8 tells of it. */
export interface Remote {
  value?: unknown;
  objectId?: string;
  description?: string;
}

interface Evaluated {
  result: Remote;
  exceptionDetails?: { text: string; exception?: Remote };
}

/** No answer in time: the event loop is held, or the thread is gone. */
export class Unanswered extends Error {}

/** The process has ended, or closed its inspector. */
export class Gone extends Error {}

/** How long an answer may take, milliseconds. A collection of a large heap takes seconds. */
const ANSWER_MS = 30_000;
const PAUSE_MS = 20;
/** What is asked for in the middle of the program's own code waits for a better moment so often. */
const TRIES = 25;

/** One thread. */
export class Thread {
  /** Of the main thread: empty. */
  readonly name: string;
  readonly #send: (text: string) => void;
  readonly #waiting: Map<number, (message: Message) => void> = new Map();
  readonly #listeners: Map<string, (params: Params) => void> = new Map();
  #lastId = 0;
  #isOver = false;

  constructor(name: string, send: (text: string) => void) {
    this.name = name;
    this.#send = send;
  }

  get isMain(): boolean {
    return this.name === '';
  }

  received(text: string): void {
    const message = JSON.parse(text) as Message;
    if (message.id === undefined) this.#listeners.get(message.method ?? '')?.(message.params ?? {});
    else this.#waiting.get(message.id)?.(message);
  }

  /** Nothing will be answered any more. */
  end(): void {
    this.#isOver = true;
    for (const answer of this.#waiting.values()) answer({});
  }

  on(event: string, listener: (params: Params) => void): void {
    this.#listeners.set(event, listener);
  }

  /** Rejects with `Unanswered`, or with what the inspector says is wrong. */
  async call<T>(method: string, params: Params = {}, withinMs: number = ANSWER_MS): Promise<T> {
    if (this.#isOver) throw new Gone('The inspector is gone.');
    const id = ++this.#lastId;
    const timer = new AbortController();
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    this.#send(JSON.stringify({ id, method, params }));
    const late = sleep(withinMs, null, { signal: timer.signal }).catch(() => null);
    const message = await Promise.race([answer, late]);
    timer.abort();
    this.#waiting.delete(id);
    if (message === null) throw new Unanswered(`${method} was not answered within ${withinMs} ms.`);
    if (this.#isOver && message.id === undefined) throw new Gone('The inspector is gone.');
    // what is awaited in the middle of something else may be forgotten there
    if (message.error?.message === 'Promise was collected') throw new Unanswered(`${method} was not answered.`);
    if (message.error) throw new Error(message.error.message);
    return message.result as T;
  }

  /**
   * At once, even in the middle of what the thread does just now; rejects with what `code` throws. `awaits`: the value of
   * a promise, which comes only when the thread is done with that.
   */
  async evaluate(code: string, { withinMs = ANSWER_MS, byValue = true, awaits = false } = {}): Promise<Remote> {
    const params = {
      expression: code,
      returnByValue: byValue,
      awaitPromise: awaits,
      objectGroup: 'outlive',
      silent: true,
    };
    const { result, exceptionDetails } = await this.call<Evaluated>('Runtime.evaluate', params, withinMs);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result;
  }

  /**
   * In a turn of the event loop of its own, and if possible in one that follows from nothing the program did: what is
   * started there would keep the program's async context. `code` is an expression; gives its value as JSON has it.
   */
  async run<T>(code: string, withinMs: number = ANSWER_MS): Promise<T> {
    for (let tries = TRIES; tries > 0; tries--) {
      const { value: isBusy } = await this.evaluate(IS_BUSY, { withinMs });
      if (isBusy !== true) break;
      await sleep(PAUSE_MS * Math.random());
    }
    const { value } = await this.evaluate(inTurn(code), { withinMs, awaits: true });
    return value as T;
  }
}

/** Frames of the program's own below ours tell that it was interrupted. */
const IS_BUSY = String.raw`/\n\s+at (?!<anonymous>:|.*\(<anonymous>:)/.test(String(new Error().stack))`;

function inTurn(code: string): string {
  return `new Promise((resolve, reject) => process.getBuiltinModule('node:timers').setImmediate(() => {
    try { resolve((${code}) ?? null); } catch (error) { reject(error); }
  }))`;
}

export class Inspector {
  readonly main: Thread;
  readonly #socket: WebSocketClient;
  readonly workers: Map<string, Thread> = new Map();

  private constructor(socket: WebSocketClient) {
    this.#socket = socket;
    this.main = new Thread('', (text) => socket.send(text));
    socket.onText = (text) => this.main.received(text);
    this.main.on('NodeWorker.attachedToWorker', ({ sessionId, workerInfo }) => {
      const id = String(sessionId);
      const { workerId, url } = workerInfo as { workerId: string; url: string };
      // Node's own, which runs loaders
      if (url.startsWith('node:')) return;
      const send = (message: string) => {
        this.main.call('NodeWorker.sendMessageToWorker', { sessionId, message }).catch(() => {});
      };
      this.workers.set(id, new Thread(`worker thread ${workerId} (${url})`, send));
    });
    this.main.on('NodeWorker.receivedMessageFromWorker', ({ sessionId, message }) =>
      this.workers.get(String(sessionId))?.received(String(message)),
    );
    this.main.on('NodeWorker.detachedFromWorker', ({ sessionId }) => {
      this.workers.get(String(sessionId))?.end();
      this.workers.delete(String(sessionId));
    });
    socket.closed.then(() => {
      for (const thread of [this.main, ...this.workers.values()]) thread.end();
    });
  }

  static async connect(url: string): Promise<Inspector> {
    return new Inspector(await WebSocketClient.connect(url));
  }

  /** The connection is over: we closed it, or the process has ended. */
  get closed(): Promise<void> {
    return this.#socket.closed;
  }

  /** Finds the worker threads that there are. */
  async findWorkers(): Promise<void> {
    await this.main.call('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  close(): void {
    this.#socket.close();
  }
}
