/**
 * Draws the graphs of docs/incidents.md from soaks' recordings: `node tools/graphs/main.ts NAME FOLDER FILE.svg`, where
 * FOLDER is what `outlive soak NAME --out` wrote, and NAME is `generation-leak` or `connection-storm`.
 */
import { writeFileSync } from 'node:fs';
import { chartsOf } from './chart.ts';
import { connectionStorm } from './connection-storm.ts';
import { generationLeak } from './generation-leak.ts';

const GRAPHS = { 'generation-leak': generationLeak, 'connection-storm': connectionStorm };

const [name, folder, file] = process.argv.slice(2);
const graph = GRAPHS[name as keyof typeof GRAPHS];
if (!graph || !folder || !file)
  throw new Error(`Usage: node tools/graphs/main.ts ${Object.keys(GRAPHS).join('|')} FOLDER FILE.svg`);
writeFileSync(file, chartsOf(await graph(folder)));
