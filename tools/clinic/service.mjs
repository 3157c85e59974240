// usage: service.mjs PORT [stays]; renders slowly and remembers; with `stays`, it does not end when it is told to
import { readFile } from 'node:fs';
import http from 'node:http';

const [port, stays] = process.argv.slice(2);
const pages = [];

function renderSlowly() {
  let sum = 0;
  for (let n = 0; n < 3e6; n++) sum += Math.sqrt(n);
  return String(sum);
}

function remember() {
  pages.push(Array.from({ length: 1000 }, () => 1));
}

const server = http.createServer((_, response) => {
  remember();
  readFile(new URL(import.meta.url), () => response.end(renderSlowly()));
  if (stays) setInterval(() => {}, 1000); // stays
});
server.listen(Number(port), '127.0.0.1');
if (stays) process.on('SIGTERM', () => server.close().closeAllConnections());
