/** A NATS server with JetStream, as far as streams need it. Every call has a limit, and fails with `StreamFailure`. */
import { createHash } from 'node:crypto';
import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { UserError } from '../../user-error.ts';
import type { Lease } from './lanes.ts';
import { natsAddress } from './nats-address.ts';
import { StreamFailure } from './stream.ts';

const LIMIT_MS = 5_000;
/** Who dies with a lease is followed after so long. */
const LEASE_MS = 10_000;
/** What is published again within this time is known to be there. */
const KNOWN_MS = 3_600_000;
const NANOS = 1_000_000;

export class Nats {
  readonly #connection: NatsConnection;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #name: string;
  readonly #replicas: number;
  readonly #topics = new Map<string, Promise<string>>();
  #leases: Promise<unknown> | null = null;

  private constructor(
    connection: NatsConnection,
    client: JetStreamClient,
    manager: JetStreamManager,
    { name, replicas }: { name: string; replicas: number },
  ) {
    this.#connection = connection;
    this.#client = client;
    this.#manager = manager;
    this.#name = name;
    this.#replicas = replicas;
  }

  /** `url` as `natsAddress` reads it. Throws `UserError` when there is no such server, or no driver for it. */
  static async open(url: string): Promise<Nats> {
    const { servers, place, ...login } = natsAddress(url);
    const { name, replicas, ...credentials } = login;
    const [{ connect }, { jetstream, jetstreamManager }] = await drivers();
    try {
      const connection = await connect({
        ...{ servers, ...credentials, name: 'outlive-pipeline', timeout: LIMIT_MS },
        ...{ maxReconnectAttempts: -1, reconnectTimeWait: 250, pingInterval: 10_000, maxPingOut: 2 },
      });
      const manager = await jetstreamManager(connection, { timeout: LIMIT_MS });
      return new Nats(connection, jetstream(connection, { timeout: LIMIT_MS }), manager, { name, replicas });
    } catch (error) {
      throw new UserError(`The stream at ${place} cannot be used: ${wordsOf(error)}.`, { cause: error });
    }
  }

  /** Bytes of a message. */
  get largest(): number {
    return (this.#connection.info?.max_payload ?? 1_048_576) - 4_096;
  }

  /**
   * Makes the topic's stream if need be. Gives what positions are kept under: a stream that was lost and made anew
   * counts from 1 again, and is another one.
   */
  topic(topic: string): Promise<string> {
    const known = this.#topics.get(topic);
    if (known) return known;
    const made = this.#ensure(this.#streamOf(topic), [`${this.#name}.${topic}.>`], {
      duplicate_window: KNOWN_MS * NANOS,
    }).then((created) => `${topic} ${this.#name} ${created}`);
    made.catch(() => this.#topics.delete(topic));
    this.#topics.set(topic, made);
    return made;
  }

  subject(topic: string, partition: number): string {
    return `${this.#name}.${topic}.${partition}`;
  }

  /** Those of a topic that have messages. */
  async partitions(topic: string): Promise<number[]> {
    const options = { subjects_filter: `${this.#name}.${topic}.*` };
    const { state } = await this.#asked(() => this.#manager.streams.info(this.#streamOf(topic), options));
    return Object.keys(state.subjects ?? {}).map((subject) => Number(subject.split('.').at(-1)));
  }

  /** Gives the sequence. With a cause, what was published of it before is not published again. */
  async publish(subject: string, data: Uint8Array, cause?: string): Promise<number> {
    const hash = () => createHash('sha256').update(`${cause} ${subject}\n`).update(data).digest('base64url');
    const options = cause === undefined ? {} : { msgID: hash() };
    return (await this.#asked(() => this.#client.publish(subject, data, options))).seq;
  }

  /** The first message of a subject from a sequence on. */
  next(subject: string, from: number): Promise<StoredMsg | null> {
    const query = { seq: Math.max(1, from), next_by_subj: subject };
    return this.#asked(() => this.#manager.streams.getMessage(this.#streamOf(subject), query));
  }

  last(subject: string): Promise<StoredMsg | null> {
    return this.#asked(() => this.#manager.streams.getMessage(this.#streamOf(subject), { last_by_subj: subject }));
  }

  async at(subject: string, sequence: number): Promise<Uint8Array> {
    const found = await this.#asked(() => this.#manager.streams.getMessage(this.#streamOf(subject), { seq: sequence }));
    if (found === null) throw new StreamFailure(`a piece of a message on ${subject} is missing`);
    return found.data;
  }

  /** The sequence of the topic's first message that is not older, or the one after its last. */
  async firstSince(topic: string, time: number): Promise<number> {
    const stream = this.#streamOf(topic);
    const { state } = await this.#asked(() => this.#manager.streams.info(stream));
    let [from, to] = [state.first_seq, state.last_seq + 1];
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      const found = await this.next(`${this.#name}.${topic}.>`, middle);
      if (found !== null && found.time.getTime() < time) from = found.seq + 1;
      else to = middle;
    }
    return from;
  }

  /** Removes what a subject, and what is kept beside it, has before a sequence. */
  async purge(subject: string, before: number): Promise<void> {
    if (before <= 1) return; // to a server that means all
    for (const filter of [subject, `${subject}.piece`]) {
      await this.#asked(() => this.#manager.streams.purge(this.#streamOf(subject), { filter, seq: before }));
    }
  }

  /** Null when another has it. Kept until it is released or this process is gone for ten seconds. */
  async lease(key: string): Promise<Lease | null> {
    const stream = `${this.#name}_leases`;
    const subject = `${this.#name}_lease.${key}`;
    this.#leases ??= this.#ensure(stream, [`${this.#name}_lease.>`], {
      ...{ max_msgs_per_subject: 1, max_age: LEASE_MS * NANOS },
    });
    await this.#leases;
    const hold = (lastSubjectSequence: number) =>
      this.#client.publish(subject, undefined, { expect: { lastSubjectSequence } });
    let held = await hold(0).catch((error: unknown) => {
      if (isRefusal(error)) return null;
      throw asFailure(error);
    });
    if (held === null) return null;
    const renewal = setInterval(async () => {
      held = await hold(held!.seq).catch(() => held);
    }, LEASE_MS / 3);
    renewal.unref();
    return {
      release: async () => {
        clearInterval(renewal);
        await this.#manager.streams.deleteMessage(stream, held!.seq).catch(() => {}); // it ends by itself
      },
    };
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** When the stream was made. */
  async #ensure(stream: string, subjects: string[], settings: object): Promise<string> {
    const config = { name: stream, subjects, num_replicas: this.#replicas, ...settings };
    return (await this.#asked(() => this.#manager.streams.add(config))).created;
  }

  #streamOf(subject: string): string {
    const topic = subject.startsWith(`${this.#name}.`) ? subject.split('.')[1]! : subject;
    return `${this.#name}_${topic}`;
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    return ask().catch((error: unknown) => {
      throw asFailure(error);
    });
  }
}

/** The expected sequence is another one: code 10071. */
function isRefusal(error: unknown): boolean {
  return (error as { code?: unknown }).code === 10071;
}

function asFailure(error: unknown): StreamFailure {
  return error instanceof StreamFailure ? error : new StreamFailure(wordsOf(error), { cause: error });
}

function wordsOf(error: unknown): string {
  const { name, message } = error as Error;
  if (name === 'TimeoutError') return `no answer for ${LIMIT_MS / 1000} s`;
  if (/NoResponders/.test(name) || /no responders/.test(message)) return 'it has no JetStream at the moment';
  return message.replace(/\.$/, '');
}

/** Only who uses NATS needs its packages. */
function drivers() {
  return Promise.all([import('@nats-io/transport-node'), import('@nats-io/jetstream')]).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      throw new UserError('A NATS stream needs its packages: npm install @nats-io/transport-node @nats-io/jetstream.');
    },
  );
}
