/**
 * The telling thread: posts findings to webhooks and ends. Here a slow or dead receiver delays nothing of the service's,
 * its sockets hold nothing open, and what the service has put around `fetch` or `http` sees nothing of it.
 */
import { parentPort, workerData } from 'node:worker_threads';

export interface TellingData {
  urls: readonly string[];
  /** JSON, one for each finding. */
  bodies: readonly string[];
}

const TIMEOUT_MS = 5000;
/** Before each further try. */
const PAUSES_MS = [1000, 5000] as const;

/** Null: it was taken. Else why not, without the address: that may be a secret. */
async function post(url: string, body: string): Promise<string | null> {
  try {
    const headers = { 'content-type': 'application/json', 'user-agent': 'outlive' };
    const { ok, status } = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return ok ? null : `it answered ${status}`;
  } catch {
    return 'it did not answer';
  }
}

async function tell(url: string, body: string): Promise<string | null> {
  let why = await post(url, body);
  for (const pause of PAUSES_MS) {
    if (why === null) break;
    await new Promise((resolve) => setTimeout(resolve, pause));
    why = await post(url, body);
  }
  return why;
}

const { urls, bodies } = workerData as TellingData;
Promise.all(
  urls.map(async (url) => {
    for (const body of bodies) {
      const why = await tell(url, body);
      if (why !== null) parentPort?.postMessage(why);
    }
  }),
).catch(() => {});
