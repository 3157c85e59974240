// Clients of gRPC for a job, and calls that stream until they are cancelled; no scopes.
const { once } = require('node:events');
const { rmSync } = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const grpc = require('@grpc/grpc-js');
const run = require('../run.cjs');

const json = {
  requestSerialize: (value) => Buffer.from(JSON.stringify(value)),
  responseSerialize: (value) => Buffer.from(JSON.stringify(value)),
  requestDeserialize: (bytes) => JSON.parse(bytes),
  responseDeserialize: (bytes) => JSON.parse(bytes),
};
const service = {
  get: { path: '/shop.Prices/Get', requestStream: false, responseStream: false, ...json },
  watch: { path: '/shop.Prices/Watch', requestStream: false, responseStream: true, ...json },
};
const Prices = grpc.makeGenericClientConstructor(service, 'Prices');
const server = new grpc.Server();
server.addService(service, {
  get: (_, reply) => reply(null, { price: 1 }),
  watch: (call) => call.write({ price: 2 }),
});

const out = { clients: 0, calls: 0 };
const address = `unix:${path.join(__dirname, 'prices.sock')}`;
// a run before this one may have left it
rmSync(address.replace('unix:', ''), { force: true });
const insecure = grpc.credentials.createInsecure();
const shared = new Prices(address, insecure);

async function price(n) {
  const client = new Prices(address, insecure, { 'grpc.use_local_subchannel_pool': 1 }); // acquires: price
  out.clients++;
  try {
    await new Promise((resolve, reject) => client.get({ n }, (error) => (error ? reject(error) : resolve())));
    if (n % 6 === 3) throw new Error('not for sale');
  } finally {
    client.close(); // gives back: price
    // it throws once it is closed
    if (isClosed(client.getChannel())) out.clients--;
  }
}

function isClosed(channel) {
  try {
    return channel.getConnectivityState(false) === grpc.connectivityState.SHUTDOWN;
  } catch {
    return true;
  }
}

async function follow(n) {
  const call = shared.watch({ n }); // acquires: follow
  out.calls++;
  call.on('error', () => out.calls--);
  await once(call, 'data');
  if (n % 3 === 1) {
    call.cancel(); // gives back: follow
    return;
  }
  await sleep(2);
  call.cancel(); // gives back: follow
}

run(
  async () => {
    await new Promise((resolve, reject) => {
      const listening = (error) => (error ? reject(error) : resolve());
      server.bindAsync(address, grpc.ServerCredentials.createInsecure(), listening);
    });
    for (let n = 0; n < 40; n++) {
      await Promise.all([price(n).catch(() => {}), follow(n)]);
      await sleep(12);
    }
  },
  () => out,
);
