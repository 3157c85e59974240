/** One request on a connection of its own, which is closed afterwards: nothing of it stays open. */
import http from 'node:http';
import https from 'node:https';
import type { Target } from '../service/targets.ts';

/** The status, or null when there was no whole answer within `limitMs`. */
export function request({ method, url, headers, body }: Target, limitMs: number): Promise<number | null> {
  const { request: ask } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve) => {
    const asked = ask(
      url,
      { method, headers, agent: false, rejectUnauthorized: false, signal: AbortSignal.timeout(limitMs) },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
        answer.on('close', () => resolve(null));
        answer.on('error', () => resolve(null));
      },
    );
    asked.on('error', () => resolve(null));
    asked.end(body ?? undefined);
  });
}
