// usage: grpc.cjs leak|clean. Jobs that make a client of their own and calls that stream, of which every second leaking
// one ends none.
const { once } = require('node:events');
const grpc = require('@grpc/grpc-js');
const { scope } = require('outlive');

const isLeaking = process.argv[2] === 'leak';
const json = {
  requestSerialize: (value) => Buffer.from(JSON.stringify(value)),
  responseSerialize: (value) => Buffer.from(JSON.stringify(value)),
  requestDeserialize: (bytes) => JSON.parse(bytes),
  responseDeserialize: (bytes) => JSON.parse(bytes),
};
const method = (name, requestStream, responseStream) => ({
  ...{ path: `/health.Health/${name}`, requestStream, responseStream, ...json },
});
const service = {
  check: method('Check', false, false),
  watch: method('Watch', false, true),
  chat: method('Chat', true, true),
};
const Health = grpc.makeGenericClientConstructor(service, 'Health');
const kept = [];

function watch(call) {
  call.write({ status: 'up' });
  if (call.request.isOnce) call.end();
}

function chat(call) {
  call.on('data', (message) => call.write(message));
  call.on('end', () => call.end());
}

async function job(shared, own, isForgetful, n) {
  await new Promise((resolve, reject) => own.check({}, (error) => (error ? reject(error) : resolve())));
  const answers = shared.watch({ isOnce: !isForgetful }); // a stream of answers
  answers.on('error', () => {});
  await once(answers, 'data');
  if (!isForgetful) await once(answers.resume(), 'end');
  const both = shared.chat(); // a stream of both
  both.on('error', () => {});
  both.resume().write({ n });
  if (isForgetful) return;
  if (n % 4 === 1) both.cancel();
  else await once(both, 'end', both.end());
  own.close();
  stateOf(own.getChannel());
}

/** Of a closed one it throws. */
function stateOf(channel) {
  try {
    return channel.getConnectivityState(false);
  } catch {
    return 'closed';
  }
}

const server = new grpc.Server();
server.addService(service, { check: (_, reply) => reply(null, { status: 'up' }), watch, chat });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), async (_, port) => {
  server.start();
  const connect = (options) => new Health(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
  const shared = connect();
  // for life
  const feed = shared.watch({}).resume();
  feed.on('error', () => {});
  for (let n = 0; n < 16; n++) {
    await scope('job', async () => {
      const own = connect({ n }); // a client
      kept.push(own);
      await job(shared, own, isLeaking && n % 2 === 0, n);
    });
  }
  setTimeout(() => process.exit(), 900);
});
