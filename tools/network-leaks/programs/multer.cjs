// A client that goes away while it uploads left the file open; since 2.3 it is destroyed.
const { once } = require('node:events');
const { mkdtempSync, readdirSync, rmSync } = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { settle, version } = require('./settle.cjs');

const multer = require(`multer-${version}`);

const folder = mkdtempSync(path.join(os.tmpdir(), 'uploads-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const upload = multer({ dest: folder }).single('file');
const server = http.createServer((request, response) => upload(request, response, () => response.end()));

const HEAD = ['POST / HTTP/1.1', 'Host: x', 'Content-Type: multipart/form-data; boundary=b', 'Content-Length: 100000'];
const PART = [
  '--b',
  'Content-Disposition: form-data; name="file"; filename="a"',
  'Content-Type: text/plain',
  '',
  'hello',
];

async function goAway() {
  const socket = net.connect(server.address().port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write([...HEAD, '', ...PART].join('\r\n'));
  while (readdirSync(folder).length === 0) await sleep(2);
  socket.destroy();
  await sleep(10);
  for (const file of readdirSync(folder)) rmSync(path.join(folder, file));
}

server.listen(0, '127.0.0.1', () => settle(goAway));
