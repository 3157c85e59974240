// Each new configuration left what listens to SIGHUP, and the file of the one before it; gone with it since 6.4.0.
const { mkdtempSync, rmSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { settle, version } = require('./settle.cjs');

const log4js = require(`log4js-${version}`);

const folder = mkdtempSync(path.join(os.tmpdir(), 'logs-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const configuration = {
  appenders: { file: { type: 'file', filename: path.join(folder, 'a.log') } },
  categories: { default: { appenders: ['file'], level: 'info' } },
};

async function reload() {
  log4js.configure(configuration); // leaks
  log4js.getLogger().info('loaded');
  await sleep(20);
}

settle(reload, { times: 40 });
