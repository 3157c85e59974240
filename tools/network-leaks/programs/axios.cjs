// Each request left a listener at the connection that is kept alive; one for all since 1.15.2.
const http = require('node:http');
const { settle, version } = require('./settle.cjs');

const axios = require(`axios-${version}`);

const httpAgent = new http.Agent({ keepAlive: true });
const server = http.createServer((_, response) => response.end('{}'));

async function read() {
  await axios.get(`http://127.0.0.1:${server.address().port}/`, { httpAgent });
}

server.listen(0, '127.0.0.1', () => settle(read, { times: 40 }));
