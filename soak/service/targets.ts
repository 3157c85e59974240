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

export interface RequestFlags {
  /** `http://…`, or with the method before it: `POST http://…`. */
  url: readonly string[];
  method?: string | undefined;
  header?: readonly string[] | undefined;
  /** Text, or `@FILE`. */
  body?: string | undefined;
}

/** Methods without a body. */
const BODILESS = new Set(['GET', 'HEAD']);

/** Throws `UserError`. */
export function targetsOf({ url: urls, method, header = [], body }: RequestFlags): Target[] {
  const headers = Object.fromEntries(header.map(headerOf));
  const content = body === undefined ? null : contentOf(body);
  return urls.map((text) => {
    const [, own, address = ''] = /^(?:([A-Za-z]+)\s+)?(\S+)$/.exec(text.trim()) ?? [];
    const verb = (own ?? method ?? (content === null ? 'GET' : 'POST')).toUpperCase();
    if (!/^[A-Z]+$/.test(verb)) throw new UserError(`--method must be a word such as POST, not "${method}".`);
    const hasBody = !BODILESS.has(verb);
    return {
      method: verb,
      url: localUrl(address, text),
      headers: hasBody && content !== null ? withType(headers, content) : headers,
      body: hasBody ? content : null,
    };
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

function localUrl(address: string, text: string): URL {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new UserError(`--url must be an address such as http://127.0.0.1:3000/orders, not "${mask(text)}".`);
  }
  const url = new URL(address);
  if (isLoopback(url.hostname)) return url;
  throw new UserError(
    `${url.host} is not this machine: outlive soak loads only the service that it starts, on localhost, 127.0.0.1 or [::1].`,
  );
}

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  return host === '[::1]' || host === 'localhost' || host.endsWith('.localhost');
}

function headerOf(text: string): [string, string] {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new UserError('--header must be of the form "Name: value".');
  return [name.toLowerCase(), value ?? ''];
}

function contentOf(body: string): string {
  if (!body.startsWith('@')) return body;
  try {
    return readFileSync(body.slice(1), 'utf8');
  } catch (error) {
    throw new UserError(
      `The file ${body.slice(1)} of --body cannot be read (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
}

function withType(headers: Record<string, string>, body: string): Record<string, string> {
  if (headers['content-type'] !== undefined || !/^\s*[[{]/.test(body)) return headers;
  return { 'content-type': 'application/json', ...headers };
}
