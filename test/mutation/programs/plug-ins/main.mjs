// Plug-ins of tenants, each in a context of its own, which a service keeps while the tenant is there; no scopes.
// not for guards: a context is nothing that a test has to give back
// held by nature: plug-in, template, by the collections of the service

import { setTimeout as sleep } from 'node:timers/promises';
import vm from 'node:vm';
import run from '../run.cjs';

const loaded = new Map();
const hooks = new Set();
const contexts = [];

function load(tenant) {
  const context = vm.createContext({ tenant, sum: 0 }); // acquires: plug-in
  contexts.push(new WeakRef(context));
  vm.runInContext('function add(n) { return (sum += n); }', context);
  loaded.set(tenant, context);
  return context;
}

async function serve(tenant) {
  const context = load(tenant);
  try {
    for (let n = 0; n < 3; n++) vm.runInContext(`add(${n})`, context);
    await sleep(1);
    if (tenant % 8 === 5) throw new Error('over its quota');
  } finally {
    loaded.delete(tenant); // gives back: plug-in
  }
}

const template = new vm.Script('(text) => text + ending');

async function render(n) {
  const sandbox = { ending: '!' };
  contexts.push(new WeakRef(sandbox));
  const hook = template.runInNewContext(sandbox); // acquires: template
  hooks.add(hook);
  if (n % 4 === 1) {
    hooks.delete(hook); // gives back: template
    return '';
  }
  const text = hook(`text ${n}`);
  await sleep(1);
  hooks.delete(hook); // gives back: template
  return text;
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await Promise.all([serve(n).catch(() => {}), render(n)]);
      await sleep(8);
    }
    // contexts are gone at a collection: so long they may have been in use
    await sleep(1800);
  },
  () => ({ loaded: loaded.size, hooks: hooks.size }),
);
