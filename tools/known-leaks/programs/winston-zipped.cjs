// Each file that was zipped and rotated away stayed open
const { mkdtempSync, rmSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const winston = require('winston');

const folder = mkdtempSync(path.join(os.tmpdir(), 'logs-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const file = { filename: path.join(folder, 'a.log'), maxsize: 1000, maxFiles: 3, zippedArchive: true };
const logger = winston.createLogger({ transports: [new winston.transports.File(file)] });

async function main() {
  for (let n = 0; n < 40; n++) {
    for (let i = 0; i < 20; i++) logger.info('x'.repeat(300));
    await sleep(5);
  }
  await sleep(2500);
  process.exit();
}

main();
