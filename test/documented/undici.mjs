import { createServer } from 'node:http';
import {
  Agent,
  Client,
  errors,
  FormData,
  fetch,
  getGlobalDispatcher,
  interceptors,
  MockAgent,
  Pool,
  request,
  setGlobalDispatcher,
  stream,
} from 'undici';
import { emitted, errorOf, readAll } from './outcomes.mjs';

/** What the server answers, by the path. */
const ANSWERS = {
  '/': (_, response) => response.end('hello'),
  '/json': (_, response) => response.end('{"n":1}'),
  '/echo': (asked, response) => asked.pipe(response),
  '/method': ({ method, headers }, response) => response.end(JSON.stringify([method, headers['x-own'] ?? null])),
  '/moved': (_, response) => response.writeHead(302, { location: '/' }).end(),
  '/refused': (_, response) => response.writeHead(403, { 'x-why': 'no' }).end('no'),
  '/late': () => {},
  '/trailers': (_, response) => {
    response.writeHead(200, { trailer: 'x-sum' });
    response.write('body');
    response.addTrailers({ 'x-sum': '4' });
    response.end();
  },
  '/broken': (asked) => asked.socket.destroy(),
};

export async function open() {
  const server = createServer((asked, response) => (ANSWERS[asked.url] ?? ANSWERS['/'])(asked, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  return { server, url, client: new Client(url) };
}

export async function close({ server, client }) {
  await client.destroy();
  server.closeAllConnections();
}

const textOf = async ({ statusCode, body }) => [statusCode, await body.text()];

export const documented = {
  'names and arities': ({ client }) => [client.request, client.dispatch, client.close, client.destroy, client.stream],
  'own properties of a client, a pool and an agent': ({ client, url }) =>
    [client, new Pool(url), new Agent()].map((own) => Reflect.ownKeys(own).map(String)),
  'methods are those of the prototype': ({ client }) =>
    ['request', 'dispatch', 'close', 'destroy'].map((name) => Object.hasOwn(client, name)),
  'request gives a status and a body': async ({ url }) => textOf(await request(url)),
  'bodies as JSON, bytes and text, once': async ({ url }) => {
    const { body } = await request(`${url}/json`);
    return [await body.json(), body.bodyUsed, await errorOf(() => body.text())];
  },
  'a body is a stream': async ({ url }) => String(await readAll((await request(url)).body)),
  'a body that is dumped': async ({ url }) => (await request(url)).body.dump(),
  'a body of the asker’s': async ({ client }) =>
    textOf(await client.request({ path: '/echo', method: 'POST', body: 'sent' })),
  'methods and headers': async ({ client }) =>
    textOf(await client.request({ path: '/method', method: 'PUT', headers: { 'x-own': 'yes' } })),
  trailers: async ({ client }) => {
    const { body, trailers } = await client.request({ path: '/trailers', method: 'GET' });
    return [await body.text(), trailers];
  },
  'by a callback': ({ client }) =>
    new Promise((resolve) => {
      client.request({ path: '/', method: 'GET' }, async (error, answer) => resolve([error, await textOf(answer)]));
    }),
  'stream writes where it is told': async ({ url }) => {
    const { Writable } = await import('node:stream');
    const chunks = [];
    const into = new Writable({ write: (chunk, _, done) => done(chunks.push(String(chunk)) && null) });
    await stream(url, { opaque: { into } }, ({ statusCode, opaque }) => {
      chunks.push(statusCode);
      return opaque.into;
    });
    return chunks;
  },
  pipeline: async ({ client }) =>
    String(await readAll(client.pipeline({ path: '/echo', method: 'POST' }, ({ body }) => body).end('piped'))),
  'a status is no error, but by an interceptor': async ({ client }) => {
    const { statusCode, body } = await client.request({ path: '/refused', method: 'GET' });
    await body.dump();
    const composed = client.compose(interceptors.responseError());
    const error = await errorOf(() => composed.request({ path: '/refused', method: 'GET' }));
    return [statusCode, error.constructor.name, error.statusCode];
  },
  'redirects are followed by an interceptor': async ({ client, url }) => {
    const { statusCode, body } = await client.request({ path: '/moved', method: 'GET' });
    await body.dump();
    const composed = new Agent().compose(interceptors.redirect({ maxRedirections: 1 }));
    return [statusCode, await textOf(await composed.request({ origin: url, path: '/moved', method: 'GET' }))];
  },
  'a request that is aborted': async ({ client }) => {
    const signal = AbortSignal.abort(new RangeError('no more'));
    return errorOf(() => client.request({ path: '/', method: 'GET', signal }));
  },
  'headers that do not come in time': async ({ url }) => {
    const client = new Client(url, { headersTimeout: 50 });
    const error = await errorOf(() => client.request({ path: '/late', method: 'GET' }));
    await client.destroy();
    return [error, error instanceof errors.HeadersTimeoutError];
  },
  'a server that hangs up': async ({ url }) => {
    const client = new Client(url);
    const error = await errorOf(() => client.request({ path: '/broken', method: 'GET' }));
    await client.destroy();
    return [error.constructor.name, error.code];
  },
  'events: connect, disconnect, connectionError': async ({ url }) => {
    const client = new Client(url);
    const seen = emitted(client, 'connect', 'disconnect', 'connectionError');
    await textOf(await client.request({ path: '/', method: 'GET' }));
    await client.close();
    return [seen, client.closed, client.destroyed];
  },
  'a closed client serves what it has, and nothing more': async ({ url }) => {
    const client = new Client(url);
    const asked = client.request({ path: '/', method: 'GET' }).then(textOf);
    const closed = client.close();
    const refused = await errorOf(() => client.request({ path: '/', method: 'GET' }));
    return [await asked, await closed, refused];
  },
  'a destroyed client fails what it has': async ({ url }) => {
    const client = new Client(url);
    const asked = errorOf(() => client.request({ path: '/late', method: 'GET' }));
    await client.destroy(new RangeError('over'));
    return asked;
  },
  'a pool has so many connections': async ({ url }) => {
    const pool = new Pool(url, { connections: 2 });
    const answers = await Promise.all(
      Array.from({ length: 5 }, async () => textOf(await pool.request({ path: '/', method: 'GET' }))),
    );
    const { connected, size } = pool.stats;
    await pool.close();
    return [answers, connected, size];
  },
  'an agent has a pool for each origin': async ({ url }) => {
    const agent = new Agent();
    const told = emitted(agent, 'connect', 'disconnect');
    await textOf(await agent.request({ origin: url, path: '/', method: 'GET' }));
    await agent.close();
    return told;
  },
  'the global dispatcher is what was set': async () => {
    const before = getGlobalDispatcher();
    const own = new Agent();
    setGlobalDispatcher(own);
    const isOwn = getGlobalDispatcher() === own;
    setGlobalDispatcher(before);
    return isOwn;
  },
  'answers that are mocked': async () => {
    const mock = new MockAgent();
    mock.disableNetConnect();
    mock.get('http://mocked.test').intercept({ path: '/' }).reply(200, { mocked: true });
    const { body } = await request('http://mocked.test/', { dispatcher: mock });
    const other = await errorOf(() => request('http://other.test/', { dispatcher: mock }));
    return [await body.json(), other.constructor.name, mock.pendingInterceptors().length];
  },
  'fetch gives a response': async ({ url }) => {
    const { status, ok, headers, body } = await fetch(`${url}/json`);
    return [status, ok, headers.get('connection'), await new Response(body).json()];
  },
  'fetch sends forms, and is aborted': async ({ url }) => {
    const form = new FormData();
    form.set('a', 'b');
    const sent = await (await fetch(`${url}/echo`, { method: 'POST', body: form })).text();
    const aborted = await errorOf(() => fetch(url, { signal: AbortSignal.abort() }));
    return [sent.includes('name="a"'), aborted.name];
  },
  'wrong options': async ({ url }) => [
    await errorOf(async () => new Client('no url')),
    await errorOf(async () => new Pool(url, { connections: -1 })),
    await errorOf(() => request(url, { method: 'NOT VALID' })),
  ],
};
