// The answer that redirects has a page, too, which nobody reads; since 1.5 it is given up.
const http = require('node:http');
const { settle, version } = require('./settle.cjs');

const { http: following } = require(`follow-redirects-${version}`);

const server = http.createServer((request, response) => {
  if (request.url === '/new') return response.end('fine');
  response.writeHead(302, { location: `http://127.0.0.1:${server.address().port}/new` }).end(Buffer.alloc(500_000));
});

const read = () =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.address().port, path: '/old' };
    const request = following.get(options, (response) => response.resume().on('end', resolve)); // leaks
    request.on('error', reject);
  });

server.listen(0, '127.0.0.1', () => settle(read));
