/** People are told of a finding once, while the service runs; whoever does not listen delays nothing. */

import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { fixture, lineOf, NODE, probed, REGISTER, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const program = fixture('generic-pool.mjs');
const LEAK = lineOf(program, '// borrowed here');
/** Found at the first look, so that the program need not live on for long. */
const SOON = { OUTLIVE_GRACE_MS: '200' };
const LEAKING = ['leak', '1200'];

/** Takes what a service tells; `status` 0: it never answers. */
async function receiver(status: number) {
  const told: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    told.push(JSON.parse(body));
    if (status > 0) response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/T0K3N`;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { told, url, [Symbol.dispose]: stop };
}

test.concurrent('a finding is told once, on stderr and to a webhook, with its line and release; the address stays secret', async () => {
  using hook = await receiver(200);
  using folder = temporaryFolder();
  const env = { ...SOON, OUTLIVE_NOTIFY: `stderr,${hook.url}`, OUTLIVE_RELEASE: '2026.11.3' };
  const { code, stdout, stderr, report } = await probed(program, LEAKING, { env, out: folder.path });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'borrowed 4\n' });
  expect(stderr).toMatch(
    /^outlive: (?:likely|proven): .*generic-pool\.mjs:\d+: 4 of 40 not given back \(connection, generic-pool, .*\n$/,
  );
  expect(stderr).toContain(LEAK);
  await until('the webhook to be told', () => hook.told.length === 1);
  expect(hook.told[0]).toMatchObject({ event: 'outlive.finding', text: stderr.trim(), count: 4, release: '2026.11.3' });
  expect(report.processes[0]).toMatchObject({ release: '2026.11.3', faults: 0, unsupported: [] });
  for (const name of readdirSync(folder.path)) {
    expect(readFileSync(path.join(folder.path, name), 'utf8')).not.toContain('T0K3N');
  }
  // another process of the same run has nothing to add
  const again = await start(NODE, ['--require', REGISTER, program, 'leak', '600'], {
    env: { ...env, OUTLIVE_OUT: folder.path },
  });
  expect(again).toMatchObject({ code: 0, stderr: '' });
});

test.concurrent.each([
  ['never answers', 0],
  ['refuses', 500],
])('a webhook that %s neither breaks the service nor holds it open', async (_, status) => {
  using hook = await receiver(status);
  const { code, stdout, stderr, report } = await probed(program, LEAKING, {
    env: { ...SOON, OUTLIVE_NOTIFY: hook.url },
  });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'borrowed 4\n', stderr: '' });
  expect(hook.told.length).toBeGreaterThan(0);
  expect(report.findings).toHaveLength(1);
  // it ended before the last try did
  expect(report.processes[0]?.unsupported).toEqual([]);
});

test.concurrent('a clean run tells nobody; a wrong address is refused without being shown', async () => {
  const [clean, refused] = await Promise.all(
    ['stderr', 'ftp://user:T0K3N@example.org'].map((to) =>
      probed(program, ['clean', '600'], { env: { ...SOON, OUTLIVE_NOTIFY: to } }),
    ),
  );
  expect(clean).toMatchObject({ code: 0, stderr: '' });
  expect(refused?.report.processes[0]?.unsupported).toContain(
    'OUTLIVE_NOTIFY must be stderr, or addresses that begin with https://.',
  );
});
