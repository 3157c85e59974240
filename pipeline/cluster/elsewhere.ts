/**
 * A task manager that registers with a job manager by its URL, from this machine or another: a process that does the
 * tasks, and this one, which keeps the socket to the job manager. Whatever happens to either, or to the way between
 * them, tasks are given up before the job manager has them begun again elsewhere; then it registers anew.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../user-error.ts';
import { hearLines, sendLine } from './lines.ts';
import { isFromTaskManager, type Task, type ToTaskManager } from './protocol.ts';
import {
  type Admission,
  type Folders,
  type FromElsewhere,
  HEADER,
  PLACE,
  PROTOCOL,
  type Registration,
} from './registration.ts';
import { PIPELINE_TASK } from './run-pipeline.ts';
import { standsStill } from './stillness.ts';
import { endOf, startProcess } from './task-manager-process.ts';

export interface ElsewhereOptions {
  /** Of the job manager. */
  url: URL;
  token: string | null;
  slots: number;
  /** Copy of the job manager's folder of modules; null: its jobs of modules cannot be done here. */
  modules: string | null;
  signal: AbortSignal;
  log(sentence: string): void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;
const CONNECT_LIMIT_MS = 10_000;
const LOOK_MS = 250;
/** A process that has not answered for so long is looked at. */
const SILENT_MS = 2000;
/** Told for so long that it is at work; then it is left to be called frozen. */
const LONGEST_BUSY_MS = 60_000;

/** Until it is stopped. Throws `UserError` when the job manager refuses it for good. */
export async function registerElsewhere(options: ElsewhereOptions): Promise<void> {
  const { url, slots, signal, log } = options;
  const registration: Registration = { id: randomBytes(4).toString('hex'), host: hostname(), pid: process.pid, slots };
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const socket = await connect(options, registration);
    const began = performance.now();
    if (socket !== null) {
      log(`Registered with the job manager at ${url.host}.`);
      await new Serving(socket, options).ended;
      if (!signal.aborted) log(`The connection to the job manager at ${url.host} ended; all tasks were given up.`);
    } else if (pause === FIRST_PAUSE_MS) {
      log(`The job manager at ${url.host} does not answer; trying again until it does.`);
    }
    // one whose process does not live comes no more often than one that is not answered
    const hasServed = performance.now() - began > LONGEST_PAUSE_MS;
    pause = hasServed ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, 2 * pause);
    await delay(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
  }
}

/** Null: not now. */
function connect({ url, token, signal }: ElsewhereOptions, registration: Registration): Promise<Duplex | null> {
  const headers = {
    ...{ connection: 'Upgrade', upgrade: PROTOCOL, [HEADER]: JSON.stringify(registration) },
    ...(token && { authorization: `Bearer ${token}` }),
  };
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(new URL(PLACE, url), {
    ...{ headers, signal, timeout: CONNECT_LIMIT_MS, agent: false },
  });
  return new Promise((resolve, reject) => {
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(null));
    request.on('upgrade', (_, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      socket.setTimeout(0);
      resolve(socket);
    });
    request.on('response', (answer: IncomingMessage) => {
      if (answer.statusCode === 503) return resolve(null);
      json(answer).then(
        (body) => reject(new UserError(`The job manager refused: ${(body as { message?: string }).message}`)),
        () => reject(new UserError(`${url.href} is no job manager: it answered with ${answer.statusCode}.`)),
      );
    });
    request.end();
  });
}

/** One registration: a socket, and a process that ends with it. */
class Serving {
  readonly #socket: Duplex;
  readonly #child: ChildProcess;
  readonly #modules: string | null;
  readonly ended: Promise<unknown>;
  #leaseMs = Number.POSITIVE_INFINITY;
  #folders: Folders | null = null;
  #toldAt = performance.now();
  #answeredAt = performance.now();

  constructor(socket: Duplex, { modules, signal }: ElsewhereOptions) {
    this.#socket = socket;
    this.#modules = modules;
    this.#child = startProcess([], {});
    const looks = setInterval(() => this.#look(), LOOK_MS);
    const stop = () => this.#child.send({ do: 'stop' } satisfies ToTaskManager, () => {});
    signal.addEventListener('abort', stop);
    const gone = endOf(this.#child);
    void gone.then(() => socket.end());
    this.ended = Promise.all([gone, new Promise((resolve) => socket.once('close', resolve))]).finally(() => {
      clearInterval(looks);
      signal.removeEventListener('abort', stop);
    });
    socket.once('close', () => this.#child.kill('SIGKILL'));
    this.#child.on('message', (message) => {
      if (!isFromTaskManager(message)) return;
      this.#answeredAt = performance.now();
      // tasks that are ended early, to leave, are begun again elsewhere
      if (!signal.aborted || message.tells !== 'done') sendLine(socket, message);
    });
    hearLines<Admission | ToTaskManager>(socket, (message) => this.#told(message));
  }

  #told(message: Admission | ToTaskManager): void {
    this.#toldAt = performance.now();
    if ('folders' in message) {
      this.#leaseMs = message.leaseMs;
      this.#folders = message.folders;
    } else if (message.do === 'run') {
      this.#run(message.task, message.slot);
    } else {
      this.#child.send(message, () => {});
    }
  }

  #run(task: Task, slot: number): void {
    const module = moduleHere(task.module, this.#folders, this.#modules);
    if (module !== null) {
      this.#child.send({ do: 'run', slot, task: { ...task, module } } satisfies ToTaskManager, () => {});
      return;
    }
    const error = `A task manager on ${hostname()} has no copy of the job's module: start it with --modules DIR.`;
    sendLine(this.#socket, { tells: 'failed', task: task.id, error, isForGood: true } satisfies FromElsewhere);
  }

  #look(): void {
    const now = performance.now();
    if (now - this.#toldAt > this.#leaseMs) {
      // at once, before anything that this process or the other had still to do
      this.#child.kill('SIGKILL');
      this.#socket.destroy();
      return;
    }
    const silent = now - this.#answeredAt;
    if (silent > SILENT_MS && silent < LONGEST_BUSY_MS && standsStill(this.#child.pid ?? 0) === false)
      sendLine(this.#socket, { tells: 'busy' } satisfies FromElsewhere);
  }
}

/** Where a module of the job manager's machine lies on this one; null: nowhere. */
function moduleHere(module: string, folders: Folders | null, modules: string | null): string | null {
  if (module === folders?.pipeline) return PIPELINE_TASK.href;
  const root = folders?.modules;
  if (!root || modules === null || !module.startsWith(root)) return null;
  return new URL(module.slice(root.length), `${pathToFileURL(modules).href}/`).href;
}
