// Answers that are not read to their end, agents, clients and HTTP/2 sessions of one job; no scopes.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import run from '../run.cjs';

const server = fork(new URL('server.mjs', import.meta.url), { execArgv: [] });
const [[url, h2]] = await once(server, 'message');
server.unref();
server.channel.unref();
const shared = new http.Agent({ maxSockets: 200 });

const out = { responses: 0, agents: 0, clients: 0, sessions: 0 };
function count(name, emitter, event = 'close') {
  out[name]++;
  emitter.once(event, () => out[name]--);
}

async function status(n) {
  const request = http.get(url, { agent: shared }); // acquires: status
  const [response] = await once(request, 'response');
  count('responses', response);
  if (n % 2 === 1) {
    response.destroy(); // gives back: status
    throw new Error('moved');
  }
  response.resume(); // gives back: status
  return response.statusCode;
}

async function download(n) {
  const agent = new http.Agent({ keepAlive: true }); // acquires: agent
  out.agents++;
  try {
    const [response] = await once(http.get(url, { agent }), 'response');
    response.socket.once('close', () => out.agents--);
    response.resume();
    await once(response, 'end');
    if (n % 9 === 4) throw new Error('unexpected');
  } finally {
    agent.destroy(); // gives back: agent
  }
}

async function report(n) {
  const client = new Client(url); // acquires: client
  count('clients', client, 'disconnect');
  const { body } = await client.request({ path: '/', method: 'GET' });
  await body.text();
  await sleep(n % 3);
  await client.close(); // gives back: client
}

async function notify(n) {
  const session = http2.connect(h2); // acquires: session
  count('sessions', session);
  const stream = session.request({ ':path': `/${n}` });
  stream.resume();
  await once(stream, 'end');
  session.close(); // gives back: session
}

run(
  async () => {
    for (let n = 0; n < 50; n++) {
      await Promise.all([status(n), download(n), report(n), notify(n)].map((job) => job.catch(() => {})));
      await sleep(12);
    }
  },
  () => out,
);
