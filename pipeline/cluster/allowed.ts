/** Who may ask the job manager anything: with a token who bears it, without one this machine. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Refused } from './refused.ts';

const HOSTS = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** Throws `Refused`. */
export function mustBeAllowed({ host = '', authorization = '' }: IncomingHttpHeaders, token: string | null): void {
  if (token === null) {
    // a page of another site must not reach it by a name that leads here
    if (HOSTS.test(host)) return;
    throw new Refused(403, 'forbidden', 'Without a token the job manager is for this machine alone.');
  }
  const said = /^Bearer (.+)$/i.exec(authorization)?.[1] ?? '';
  const [one, other] = [said, token].map((text) => createHash('sha256').update(text).digest());
  if (!timingSafeEqual(one as Buffer, other as Buffer))
    throw new Refused(401, 'bad-token', 'The token is missing or wrong: send "Authorization: Bearer TOKEN".');
}
