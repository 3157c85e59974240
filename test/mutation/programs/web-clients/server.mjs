// What web-clients asks: a process of its own, since none of a server of HTTP/2 may have its heap written.
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';

const servers = [
  http.createServer((_, response) => response.end('x'.repeat(100_000))),
  http2.createServer((_, response) => response.end('ok')),
];
await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
process.on('disconnect', () => process.exit());
process.send(servers.map((server) => `http://127.0.0.1:${server.address().port}`));
