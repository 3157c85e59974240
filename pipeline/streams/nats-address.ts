/** `nats://[USER:PASSWORD@]HOST[:PORT][,HOST…][/NAME][?replicas=N]`, `tls://` the same. */
import { UserError } from '../../user-error.ts';

export interface NatsAddress {
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
  /** Of this pipeline's streams on the server; several pipelines there need a name each. */
  name: string;
  /** Servers of the cluster that keep each message. */
  replicas: number;
  /** Without password. */
  place: string;
}

const FORM = 'nats://USER:PASSWORD@HOST:PORT/NAME?replicas=N';

/** Throws `UserError`. */
export function natsAddress(text: string): NatsAddress {
  const [, scheme, login, hosts, name = 'outlive', query = ''] =
    /^(nats|tls):\/\/(?:([^@/]*)@)?([^/?@]+)(?:\/(\w*))?(?:\?(.*))?$/.exec(text) ?? [];
  const replicas = Number(new URLSearchParams(query).get('replicas') ?? 1);
  if (!hosts || !Number.isInteger(replicas) || replicas < 1 || replicas > 5) {
    throw new UserError(`--stream needs a URL of the form ${FORM}, NAME of letters and digits, 1 to 5 replicas.`);
  }
  const [user, pass] = (login ?? '').split(':').map(decodeURIComponent);
  const credentials = !user ? {} : pass === undefined ? { token: user } : { user, pass };
  const servers = hosts.split(',').map((host) => `${scheme}://${host}`);
  return { servers, ...credentials, name: name || 'outlive', replicas, place: servers.join(', ') };
}
