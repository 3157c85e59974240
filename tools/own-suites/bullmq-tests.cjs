// What BullMQ's tests expect of where they run: its classes by an alias, and a Redis at the usual port.
const Module = require('node:module');
const path = require('node:path');

const library = path.join(__dirname, 'node_modules/bullmq/dist');
const resolve = Module._resolveFilename;
Module._resolveFilename = function resolveAlias(request, ...rest) {
  const own = request.startsWith('@src/') ? path.join(library, request.slice('@src/'.length)) : request;
  return Reflect.apply(resolve, this, [own, ...rest]);
};
// BullMQ itself names the usual port
const { prototype } = require('ioredis');
const { parseOptions } = prototype;
prototype.parseOptions = function parseOptionsHere(...given) {
  Reflect.apply(parseOptions, this, given);
  if (this.options.port === 6379) this.options.port = Number(process.env.REDIS_PORT);
};
