// Of two patterns that lead into one folder, only the later one's watcher was closed; both since 2.1.6.
const { once } = require('node:events');
const { mkdirSync, mkdtempSync, rmSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { settle, version } = require('./settle.cjs');

const chokidar = require(`chokidar-${version}`);

const home = mkdtempSync(path.join(os.tmpdir(), 'watched-'));
process.on('exit', () => rmSync(home, { recursive: true }));

async function build() {
  const cwd = mkdtempSync(path.join(home, 'project-'));
  mkdirSync(path.join(cwd, 'pages/deep'), { recursive: true });
  const watcher = chokidar.watch(['pages/**/*.js', 'pages/**/*.css'], { cwd, useFsEvents: false });
  await once(watcher, 'ready');
  watcher.close();
}

settle(build, { isJob: true });
