// A signal that lives as long as the service: each request left its listener
const http = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');
const OpenAI = require('openai');

const stopping = new AbortController();
const server = http.createServer((request, response) => {
  request.resume();
  response.setHeader('content-type', 'application/json');
  response.end('{"object":"list","data":[]}');
});

server.listen(0, '127.0.0.1', async () => {
  const client = new OpenAI({ apiKey: 'none', baseURL: `http://127.0.0.1:${server.address().port}/v1` });
  for (let n = 0; n < 40; n++) {
    await client.models.list({ signal: stopping.signal }); // leaks here
  }
  await sleep(2500);
  process.exit();
});
