// A signal that lives as long as the service: each request left its listener there; taken off again since 3.1.2.
const { createServer } = require('node:http');
const { HttpRequest } = require('@smithy/protocol-http');
const { settle, version } = require('./settle.cjs');
const { NodeHttpHandler } = require(`@smithy/node-http-handler-${version}`);

const stopping = new AbortController();
const handler = new NodeHttpHandler();
const server = createServer((_, response) => response.end('fine'));

async function ask() {
  const to = { protocol: 'http:', hostname: '127.0.0.1', port: server.address().port, path: '/' };
  const { response } = await handler.handle(new HttpRequest(to), { abortSignal: stopping.signal }); // leaks
  for await (const _ of response.body);
}

server.listen(0, '127.0.0.1', () => settle(ask, { times: 40 }));
