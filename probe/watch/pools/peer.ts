/**
 * Which socket a borrowed object speaks through: the key that joins a lease with the server's session.
 *
 * Only shapes of known drivers are followed, through own data properties, so that no getter or proxy of the service
 * ever runs; whatever else a pool lends has no known socket.
 */
import { Socket } from 'node:net';
import { types } from 'node:util';
import type { Peer } from '../../account/pool-state.ts';
import { localOf, remoteOf } from '../../process/addresses.ts';

/** Files of pools that connect for themselves, or have somebody connect for them. */
export const OF_POOL =
  /[\\/]node_modules[\\/](?:(?:generic-pool|tarn|sequelize-pool|lightning-pool|pg-pool)[\\/]|sequelize[\\/].*[\\/]connection-manager\.js$)/;

/** Where drivers keep their socket. */
const SOCKETS: readonly (readonly string[])[] = [
  [], // the pool lends sockets
  ['connection', 'stream'], // pg.Client, mysql2/promise
  ['stream'], // mysql2, ioredis
  ['_socket'], // mysql, ws
  ['socket'], // mariadb
  ['_impl', 'nscon', 'ntAdapter', 'stream'], // oracledb, thin mode
];
/** Where they keep what the server calls the connection. */
const IDS: readonly (readonly string[])[] = [
  ['processID'], // pg.Client: the backend
  ['_impl', 'nscon', 'sAtts', 'connectionId'], // oracledb: CONNECTION_ID
  ['connection', 'connectionId'], // mysql2/promise
  ['threadId'], // mysql2, mysql
];

/** Where they keep the facts of what they connect to. */
const TARGETS: readonly (readonly string[])[] = [
  ['connectionParameters'], // pg.Client
  ['config'], // mysql2, mysql, tedious
  ['connection', 'config'], // mysql2/promise
];
/** What makes two of them lead to different places. */
const FACTS = ['host', 'socketPath', 'port', 'database', 'user', 'application_name', 'options'];

const UNKNOWN = { localAddress: null, localPort: null, server: null };

/** Costs a few microseconds: asked when somebody looks, never per acquire. */
export function peerOf(lent: unknown, state: Peer['state']): Peer {
  const id = first(IDS, lent, (value) => typeof value === 'number' || typeof value === 'string');
  return {
    ...addresses(first(SOCKETS, lent, (value) => value instanceof Socket)),
    connectionId: id === null ? null : String(id),
    state,
  };
}

/** Which database a borrowed object leads to, and as whom; null: not known. Never to be written down. */
export function targetOf(lent: unknown): string | null {
  const facts = first(TARGETS, lent, (value) => textsOf(value) !== null);
  return facts === null ? null : textsOf(facts);
}

/** The facts that a configuration states by itself; null when it names no host. */
export function textsOf(facts: unknown): string | null {
  const values = FACTS.map((key) => ownValue(facts, key)).map((value) =>
    typeof value === 'object' ? '' : (value ?? ''),
  );
  return values[0] === '' && values[1] === '' ? null : values.map(String).join('\0');
}

function addresses(socket: unknown): Pick<Peer, 'localAddress' | 'localPort' | 'server'> {
  if (socket === null) return UNKNOWN;
  const [local, remote] = [localOf(socket as Socket), remoteOf(socket as Socket)];
  if (local === null || remote === null) return UNKNOWN;
  return { localAddress: local.address, localPort: local.port, server: `${remote.address}:${remote.port}` };
}

function first(paths: readonly (readonly string[])[], lent: unknown, is: (value: unknown) => boolean): unknown {
  for (const path of paths) {
    const value = path.reduce(ownValue, lent);
    if (!types.isProxy(value) && is(value)) return value;
  }
  return null;
}

/** Of a plain data property; undefined for anything that could run. */
export function ownValue(owner: unknown, key: string): unknown {
  if (typeof owner !== 'object' || owner === null || types.isProxy(owner)) return undefined;
  return Object.getOwnPropertyDescriptor(owner, key)?.value;
}
