// Second opinions of a soak, by the real tools: each of Clinic's makes its page of the same load and names the line that
// matters, and why-is-node-running names the timer that keeps a service from ending. `npm run test:opinions`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from '../planted.mjs';

const home = fileURLToPath(new URL('.', import.meta.url));
const cli = path.join(home, '../../dist/cli/main.js');
const LOAD = ['--duration', '6s', '--rounds', '2', '--warmup', '0', '--connections', '5'];

const SERVICE = readFileSync(path.join(home, 'service.mjs'), 'utf8').split('\n');
const lineOf = (text) => `service.mjs:${SERVICE.findIndex((line) => line.includes(text)) + 1}`;

/** What the soak is told, what the service is, and what the opinion must say. */
const CASES = [
  { tool: 'clinic doctor', finding: 'Clinic Doctor ' },
  { tool: 'clinic flame', finding: lineOf('function renderSlowly') },
  { tool: 'clinic heapprofiler', finding: lineOf('function remember') },
  { tool: 'clinic bubbleprof', finding: lineOf('readFile(new URL') },
  { tool: 'why-is-node-running', service: ['stays'], isRight: ({ compared }) => isTimer(compared?.both) },
];

install(home);
let failed = 0;
for (const { tool, service = [], finding, isRight = hasPage } of CASES) {
  const { opinion, folder } = await opinionOf(tool, service);
  const isFound = finding === undefined || (opinion?.findings ?? []).some((sentence) => sentence.includes(finding));
  const right = opinion !== undefined && isRight(opinion, folder) && isFound;
  if (!right) failed++;
  console.log(`${right ? 'right' : 'WRONG'}  ${tool}: ${[opinion?.sentence, ...(opinion?.findings ?? [])].join(' ')}`);
  rmSync(folder, { recursive: true });
}
process.exit(failed > 0 ? 1 : 0);

function hasPage({ page }, folder) {
  return page !== null && existsSync(path.join(folder, page));
}

function isTimer(both = []) {
  return both.some(({ kind, site }) => kind === 'timer' && `service.mjs:${site?.line}` === lineOf('// stays'));
}

async function opinionOf(tool, service) {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-opinions-'));
  const port = await freePort();
  const clinic = tool.startsWith('clinic ') ? ['--clinic', tool.slice('clinic '.length)] : [];
  const url = ['--url', `http://127.0.0.1:${port}/`];
  const program = ['--', 'node', 'service.mjs', String(port), ...service];
  const soak = [cli, 'soak', '--out', folder, ...clinic, ...url, ...LOAD, ...program];
  const { stderr } = spawnSync(process.execPath, soak, { cwd: home, encoding: 'utf8' });
  if (!existsSync(path.join(folder, 'report.json'))) throw new Error(`There is no report: ${stderr}`);
  const { opinions = [] } = JSON.parse(readFileSync(path.join(folder, 'report.json'), 'utf8'));
  return { folder, opinion: opinions.find((each) => each.tool === tool) };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
