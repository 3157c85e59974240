/** A task manager that registered, as the job manager sees it: it is lost with its socket, and may come again. */
import type { Duplex } from 'node:stream';
import { KnownTaskManager, type Listener, type Patience } from './known-task-manager.ts';
import { hearLines, sendLine } from './lines.ts';
import type { TaskManagerSettings, ToTaskManager } from './protocol.ts';
import type { Admission, Folders, FromElsewhere, Registration } from './registration.ts';

interface Admitting extends Patience {
  settings: TaskManagerSettings;
  /** How often it was lost before. */
  deaths: number;
  folders: Folders;
}

/** It gives up its tasks before they are begun elsewhere: sooner than it is called frozen. */
const LEASE_SHARE = 0.75;

export class RegisteredTaskManager extends KnownTaskManager {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly #socket: Duplex;
  protected readonly gone: Promise<void>;
  isLost = false;

  constructor(socket: Duplex, { id, host, pid, slots }: Registration, admitting: Admitting, listener: Listener) {
    const { frozenMs, cancelMs, settings, folders, deaths } = admitting;
    super({ slots, frozenMs, cancelMs, isBusy: () => false }, listener);
    this.id = id;
    this.host = host;
    this.pid = pid;
    this.deaths = deaths;
    this.#socket = socket;
    const leaseMs = LEASE_SHARE * frozenMs;
    this.gone = new Promise((resolve) =>
      socket.once('close', () => {
        this.#closed();
        resolve();
      }),
    );
    hearLines<FromElsewhere>(socket, (message) => {
      // who only says that it is at work answers nothing
      if (message.tells === 'busy') this.heartbeat.heard();
      else this.hear(message);
    });
    sendLine(socket, { leaseMs, folders } satisfies Admission);
    this.send({ do: 'configure', settings: { ...settings, leaseMs } });
    this.heartbeat.start();
  }

  protected send(message: ToTaskManager): void {
    sendLine(this.#socket, message);
  }

  /** It comes again, to this job manager or the next. */
  protected end(): void {
    this.#socket.destroy();
  }

  #closed(): void {
    this.isLost = true;
    const loss = this.lost('its connection ended');
    if (loss) this.listener.died(loss.tasks, loss.how);
  }
}
