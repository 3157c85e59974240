/** What is to be requested, checked: only this machine is ever loaded. */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { mask } from '../../probe/recording/mask.ts';
import { UserError } from '../../user-error.ts';

export interface Target {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | null;
}

/** `http://…`, or with the method before it: `POST http://…`. */
export interface Address {
  method: string | null;
  url: URL;
}

export interface Requests {
  url: readonly Address[];
  /** Of those without one; default GET, or POST with a body. */
  method?: string | undefined;
  header?: readonly (readonly [name: string, value: string])[];
  body?: string | undefined;
}

/** Methods without a body. */
const BODILESS = new Set(['GET', 'HEAD']);

export function targetsOf({ url: addresses, method, header = [], body }: Requests): Target[] {
  const headers = Object.fromEntries(header);
  return addresses.map(({ url, method: own }) => {
    const verb = own ?? method ?? (body === undefined ? 'GET' : 'POST');
    if (BODILESS.has(verb) || body === undefined) return { method: verb, url, headers, body: null };
    return { method: verb, url, headers: withType(headers, body), body };
  });
}

/** `POST http://127.0.0.1:3000/orders`, without secrets: as recordings and reports have it. */
export function nameOf({ method, url }: Target): string {
  const query = [...url.searchParams.keys()].map((key) => `${key}=…`).join('&');
  return mask(`${method} ${url.origin}${url.pathname}${query && `?${query}`}`);
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

/** Reads a `--url`. Throws `UserError`. */
export function addressOf(text: string): Address {
  const [, method, address = ''] = /^(?:([A-Za-z]+)\s+)?(\S+)$/.exec(text.trim()) ?? [];
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new UserError(`--url must be an address such as http://127.0.0.1:3000/orders, not "${mask(text)}".`);
  }
  const url = new URL(address);
  if (isLoopback(url.hostname))
    return { method: method === undefined ? null : methodOf(method, 'The method of --url'), url };
  throw new UserError(
    `${url.host} is not this machine: outlive soak loads only the service that it starts, on localhost, 127.0.0.1 or [::1].`,
  );
}

/** That a load can be made of. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];

/** Reads a `--method`, or that of a `--url`. Throws `UserError`. */
export function methodOf(text: string, option: string): string {
  const method = text.toUpperCase();
  if (METHODS.includes(method)) return method;
  throw new UserError(`${option} must be one of ${METHODS.join(', ')}, not "${text}".`);
}

/** Reads a `--header`. Throws `UserError`, in which its value does not stand: it may be a secret. */
export function headerOf(text: string): readonly [name: string, value: string] {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new UserError('--header must be of the form "Name: value".');
  return [name.toLowerCase(), value ?? ''];
}

/** Reads a `--body`: text, or `@FILE`. Throws `UserError`. */
export function bodyOf(text: string): string {
  if (!text.startsWith('@')) return text;
  const file = text.slice(1);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`The file ${file} of --body cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  return host === '[::1]' || host === 'localhost' || host.endsWith('.localhost');
}

function withType(headers: Record<string, string>, body: string): Record<string, string> {
  if (headers['content-type'] !== undefined || !/^\s*[[{]/.test(body)) return headers;
  return { 'content-type': 'application/json', ...headers };
}
