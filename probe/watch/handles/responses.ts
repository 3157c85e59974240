/**
 * Responses that nobody reads: to a request of node:http, undici or fetch. Each holds its socket, and a place of its
 * agent, until it was read to the end or given up.
 *
 * Most are read within a moment, so a new one goes into a short list first, held weakly, and only what survives it
 * enters the ledger. One that somebody reads, however slowly, is busy.
 *
 * False negatives: those of node:http before Node.js 22, which does not tell where a request is made; requests that a
 * library makes after an await of its own; and those beyond the budget of stacks.
 */
import type http from 'node:http';
import type net from 'node:net';
import { Resource, type Source } from '../../account/ledger.ts';
import type { Known } from '../../account/resource.ts';
import type { Scope } from '../../account/scope.ts';
import { DEEP, type Site } from '../../account/site.ts';
import type { AdapterName } from '../../adapters.ts';
import type { Method } from '../../process/around.ts';
import { now } from '../../process/runtime.ts';
import { listenTo } from '../channels.ts';
import type { Desk } from '../desk.ts';
import { installedAs } from '../packages.ts';
import { isOfUser } from './callers.ts';
import { Requests } from './requests.ts';

const PART = 'responses' satisfies AdapterName;

/** Survivors are looked for after so many new responses, or when the ledger is read. */
const NURSERY = 64;

/** Where a request was made. */
interface Asked {
  source: Source;
  site: Site;
  scope: Scope | null;
  surroundings: Pick<Known, 'turn' | 'isHosted'>;
}

interface Answer extends Pick<Known, 'isAbandoned'> {
  /** To what reads it. */
  ref: WeakRef<object>;
  isGone(): boolean;
  isBusy(): boolean;
}

interface Young extends Asked, Answer {
  /** Of what was last set: when its head came. */
  at: number;
}

export function watchResponses(desk: Desk): void {
  const responses = new Responses(desk);
  watchHttp(responses, new Requests(desk));
  watchUndici(responses);
}

/** Node's own copy of undici is what fetch is made of. */
const FETCH_FILE = 'node:internal/deps/undici/';

class Responses {
  readonly #desk: Desk;
  readonly #http: Source;
  readonly #undici: Source;
  readonly #fetch: Source;
  #nursery: Young[] = [];

  constructor(desk: Desk) {
    const source = (library: string) => desk.source({ adapter: PART, nature: 'response', library });
    this.#desk = desk;
    this.#http = source('node:http');
    this.#undici = source('undici');
    this.#fetch = source('fetch');
    desk.ledger.beforeReading.push(() => this.#graduate());
  }

  /** A request is made by a call to `wrapper`; null where it is not followed. */
  asked(isUndici: boolean, wrapper: Method): Asked | null {
    const desk = this.#desk;
    const site = desk.ignoresCounted ? null : desk.siteOf(this.#http, wrapper, DEEP);
    if (!isOfUser(site)) return null;
    const callers = isUndici ? site.stack.filter(({ file }) => !isOfUndici(file)) : site.stack;
    // its clients are watched as well, and each request is made by itself
    if (desk.isOfLibrary({ stack: callers })) return null;
    // since Node's copy may be what the package sends by, the package says more
    const isPackage = callers.length < site.stack.length;
    const isFetch = !isPackage && site.stack.some(({ file }) => file.startsWith(FETCH_FILE));
    const source = isFetch ? this.#fetch : isUndici ? this.#undici : this.#http;
    return { source, site, scope: desk.scope(), surroundings: desk.surroundings() };
  }

  answered(asked: Asked, answer: Answer): void {
    this.#nursery.push({ ...asked, at: now(), ...answer });
    if (this.#nursery.length >= NURSERY) this.#graduate();
  }

  #graduate(): void {
    const { ledger } = this.#desk;
    const young = this.#nursery;
    this.#nursery = [];
    for (const { source, site, scope, surroundings, at, ref, isGone, isBusy, isAbandoned } of young) {
      const account = ledger.account(source, site);
      const known = { ...surroundings, ref, isGone, isBusy, ...(isAbandoned && { isAbandoned }) };
      if (isGone()) ledger.pass(account);
      else ledger.open(new Resource(account, scope, at, known));
    }
  }
}

function isOfUndici(file: string): boolean {
  return installedAs(file)?.name === 'undici';
}

type Response = http.IncomingMessage & { _readableState: { pipes: unknown[] } };

function watchHttp(responses: Responses, unanswered: Requests): void {
  const requests = new WeakMap<object, Asked>();
  const made = ({ request }: { request: http.ClientRequest }): void => {
    const asked = responses.asked(false, made);
    if (asked === null) return;
    requests.set(request, asked);
    unanswered.made(request, asked);
  };
  listenTo(PART, 'http.client.request.created', made);
  listenTo(PART, 'http.client.response.finish', ({ request, response }: { request: object; response: Response }) => {
    const asked = requests.get(request);
    if (asked === undefined) return;
    requests.delete(request);
    const ref = new WeakRef(response);
    responses.answered(asked, {
      ref,
      isGone: () => hasEnded(ref.deref()),
      isBusy: () => isRead(ref.deref()),
      isAbandoned: () => isGivenUp(ref.deref()),
    });
  });
}

function hasEnded(response: Response | undefined): boolean {
  return response === undefined || response.readableEnded || response.destroyed || response.socket?.destroyed !== false;
}

function isRead(response: Response | undefined): boolean {
  if (response === undefined) return false;
  const { readableFlowing, _readableState: state } = response;
  return readableFlowing === true || state.pipes.length > 0 || response.listenerCount('readable') > 0;
}

/** Somebody began to read it and stopped: what it was piped to has closed. */
function isGivenUp(response: Response | undefined): boolean {
  return response !== undefined && response.readableFlowing === false && !isRead(response);
}

/** A request of undici's, which tells when the last of its answer came. */
interface Exchange extends Asked {
  socket: WeakRef<net.Socket> | null;
  hasEnded: boolean;
}

function watchUndici(responses: Responses): void {
  const exchanges = new WeakMap<object, Exchange>();
  const made = ({ request }: { request: object }): void => {
    const asked = responses.asked(true, made);
    if (asked) exchanges.set(request, { ...asked, socket: null, hasEnded: false });
  };
  listenTo(PART, 'undici:request:create', made);
  listenTo(PART, 'undici:client:sendHeaders', ({ request, socket }: { request: object; socket: net.Socket }) => {
    const exchange = exchanges.get(request);
    if (exchange) exchange.socket = new WeakRef(socket);
  });
  listenTo(PART, 'undici:request:headers', ({ request }: { request: object }) => {
    const exchange = exchanges.get(request);
    if (exchange === undefined) return;
    const ref = new WeakRef(request);
    responses.answered(exchange, {
      ref,
      isGone: () => exchange.hasEnded || ref.deref() === undefined || exchange.socket?.deref()?.destroyed !== false,
      // what nobody takes waits in the socket
      isBusy: () => exchange.socket?.deref()?.readableLength === 0,
    });
  });
  const ended = ({ request }: { request: object }): void => {
    const exchange = exchanges.get(request);
    if (exchange) exchange.hasEnded = true;
  };
  listenTo(PART, 'undici:request:trailers', ended);
  listenTo(PART, 'undici:request:error', ended);
}
