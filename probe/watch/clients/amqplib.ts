/**
 * amqplib from 0.8, by promises and by callbacks: connections, the channels on them, and the consumers on those. What is
 * on something is over with it. The socket ties a connection, which is made once that is up, to the line that asked for it;
 * the callback ties a consumer.
 *
 * False negatives: what a connection with recovery opens anew by itself.
 */
import net from 'node:net';
import type { Request, Resource, Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { remoteOf } from '../../process/addresses.ts';
import { around, type Method } from '../../process/around.ts';
import { now } from '../../process/runtime.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { requireFrom } from '../loaded.ts';
import { Clients, Folders } from './clients.ts';

const PART = 'amqplib' satisfies AdapterName;
const MODELS = ['channel_model', 'callback_model'];

interface Connection {
  stream: net.Socket;
  channels: readonly ({ channel: Partial<Channel> } | null | undefined)[];
}

interface Channel {
  connection: Connection;
  /** Of the request that the server has not answered yet. */
  reply: unknown;
}

export function attachments(desk: Desk): Attachments {
  const amqp = new Amqp(desk);
  const watch: Attachments[string] = (exports, file) => amqp.watch(exports, file);
  return { amqplib: watch, 'amqplib/callback_api.js': watch };
}

class Amqp {
  readonly #folders: Folders = new Folders();
  readonly #connections: Clients<Connection>;
  readonly #channels: Clients<Channel>;
  readonly #consumers: Consumers;
  /** Who asked for the connection that each socket is for. */
  readonly #asked: WeakMap<object, Request> = new WeakMap();
  #asking: Request | null = null;
  #isWatchingSockets = false;
  readonly #watched: WeakSet<object> = new WeakSet();
  /** Connections that are not up yet. */
  readonly #opening: WeakSet<Connection> = new WeakSet();

  constructor(desk: Desk) {
    this.#connections = new Clients<Connection>(
      desk,
      {
        ...{ adapter: PART, nature: 'client', library: PART },
        hasEnded: ({ stream }) => stream.destroyed,
        leadsTo: ({ stream }) => {
          const { address, port } = remoteOf(stream) ?? {};
          return `${address} ${port}`;
        },
        isBusy: (connection) =>
          this.#opening.has(connection) || connection.channels.some((own) => own != null && isAsking(own.channel)),
      },
      this.#folders,
    );
    this.#channels = new Clients<Channel>(
      desk,
      {
        ...{ adapter: PART, nature: 'channel', library: `${PART} channel` },
        hasEnded: ({ connection }) => connection.stream.destroyed,
        leadsTo: () => '',
        isBusy: isAsking,
      },
      this.#folders,
    );
    this.#consumers = new Consumers(desk, (channel) => this.#channels.resourceOf(channel));
  }

  watch(exports: object, file: string): void {
    this.#folders.add(file);
    around<object>(PART, exports, 'connect', {
      before: (_, __, ___, wrapper) => {
        this.#asking = this.#connections.ask(wrapper);
      },
      finally: () => {
        this.#asking = null;
      },
    });
    this.#watchSockets();
    const load = requireFrom(file);
    const { Connection } = load('./lib/connection.js');
    const { BaseChannel, Channel } = load('./lib/channel.js');
    if (!this.#watched.has(Connection))
      this.#watchLibrary(Connection.prototype, Channel.prototype, BaseChannel.prototype);
    this.#watched.add(Connection);
    for (const model of MODELS) this.#consumers.askedBy(load(`./lib/${model}.js`).Channel.prototype);
  }

  #watchSockets(): void {
    if (this.#isWatchingSockets) return;
    this.#isWatchingSockets = true;
    around<net.Socket>(PART, net.Socket.prototype, 'connect', {
      before: (socket) => {
        if (this.#asking) this.#asked.set(socket, this.#asking);
      },
    });
  }

  #watchLibrary(connection: object, channel: object, base: object): void {
    const connections = this.#connections;
    const channels = this.#channels;
    around<Connection, Connection>(PART, connection, 'open', {
      before: (self) => {
        const request = this.#asked.get(self.stream);
        if (request) connections.madeBy(self, request);
        connections.opened(self);
        this.#opening.add(self);
        return self;
      },
      callback: (callback, self) => this.#isUp(callback, self),
    });
    connections.closedBy(connection, ['close']);
    around<Channel>(PART, channel, 'allocate', {
      before: (self, _, __, wrapper) => {
        channels.made(self, wrapper);
        const owner = connections.resourceOf(self.connection);
        channels.opened(self, owner && { owner, bond: 'ends with it' });
      },
    });
    // the second, of whatever ends one
    channels.closedBy(channel, ['closeBecause', 'toClosed']);
    channels.usedBy(channel, 'sendMessage', (self) => self as Channel);
    this.#consumers.watch(base);
  }

  /** Stands for a callback that is called once the connection is up, or has failed. */
  #isUp(callback: Method, connection: Connection | undefined): Method {
    const opening = this.#opening;
    return function isUp(this: unknown): unknown {
      if (connection) opening.delete(connection);
      return Reflect.apply(callback, this, arguments);
    };
  }
}

function isAsking({ reply = null }: Partial<Channel>): boolean {
  return reply !== null;
}

/** By their channel and tag. */
class Consumers {
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #ownerOf: (channel: Channel) => Resource | undefined;
  readonly #asked: WeakMap<object, { request: Request; queue: unknown }> = new WeakMap();
  readonly #open: WeakMap<Channel, Map<unknown, Resource>> = new WeakMap();

  constructor(desk: Desk, ownerOf: (channel: Channel) => Resource | undefined) {
    this.#desk = desk;
    this.#ownerOf = ownerOf;
    this.#source = desk.source({ adapter: PART, nature: 'consumer', library: `${PART} consumer` });
  }

  askedBy(model: object): void {
    around<Channel>(PART, model, 'consume', {
      before: (_, queue, callback, wrapper) => {
        if (typeof callback !== 'function') return;
        this.#asked.set(callback, { request: this.#desk.ask(this.#source, wrapper), queue });
      },
    });
    around<Channel>(PART, model, 'cancel', {
      before: (channel, tag, _, wrapper) => {
        const consumer = this.#open.get(channel)?.get(tag);
        if (consumer?.closed === false) this.#desk.close(consumer, wrapper);
      },
    });
  }

  watch(base: object): void {
    around<Channel>(PART, base, 'registerConsumer', {
      before: (channel, tag, callback) => this.#opened(channel, tag, callback as object),
    });
    around<Channel>(PART, base, 'unregisterConsumer', {
      before: (channel, tag) => {
        const consumer = this.#open.get(channel)?.get(tag);
        this.#open.get(channel)?.delete(tag);
        if (consumer) this.#desk.ledger.close(consumer, now());
      },
    });
  }

  #opened(channel: Channel, tag: unknown, callback: object): void {
    const asked = this.#asked.get(callback);
    if (!asked) return;
    const { request, queue } = asked;
    // its channel's flow is where the answer came, not who asked
    request.mark = null;
    const all = this.#open.get(channel) ?? new Map<unknown, Resource>();
    this.#open.set(channel, all);
    const owner = this.#ownerOf(channel) ?? null;
    const ref = new WeakRef(channel);
    const isGone = () => ref.deref()?.connection.stream.destroyed !== false;
    const leadsTo = () => String(queue);
    const known = { owner, bond: 'ends with it', isGone, leadsTo, ...this.#desk.surroundings() } as const;
    all.set(tag, this.#desk.open(request, known));
  }
}
