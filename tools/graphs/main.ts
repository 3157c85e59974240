/**
 * Draws the graph of docs/incidents.md from a soak's recordings: `node tools/graphs/main.ts FOLDER FILE.svg`, where
 * FOLDER is what `outlive soak generation-leak --out` wrote. Native contexts and the heap over time, both variants.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** What is drawn of a recording. */
interface Recording {
  process: { parent: number; thread: number };
  samples: { at: number; nativeContexts: number; heapUsed: number }[];
}

// built, since the probe is CommonJS
const READER = new URL('../../dist/probe/recording/reader.js', import.meta.url).href;
const { readRun } = (await import(READER)) as { readRun(folder: string): { recordings: Recording[] } };

type Points = [seconds: number, value: number][];

const [WIDTH, HEIGHT, LEFT, TOP, BETWEEN] = [760, 150, 60, 40, 70];
const COLOURS = { leaking: '#c0392b', fixed: '#2a7f62' };

const [folder, file] = process.argv.slice(2);
if (!folder || !file) throw new Error('Usage: node tools/graphs/main.ts FOLDER FILE.svg');

const recordings = Object.keys(COLOURS).map((variant) => {
  const { recordings } = readRun(path.join(folder, variant));
  return [variant, recordings.find(({ process }) => process.parent === 0 && process.thread === 0)] as const;
});
const series = (pick: (recording: Recording) => Points) =>
  recordings.flatMap(([variant, recording]) => (recording ? [[variant, pick(recording)] as const] : []));
const contexts = series(({ samples }) => samples.map(({ at, nativeContexts }) => [at / 1000, nativeContexts]));
const heap = series(({ samples }) => samples.map(({ at, heapUsed }) => [at / 1000, heapUsed / 1e6]));
const height = 2 * (HEIGHT + BETWEEN) + TOP;

writeFileSync(
  file,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH + LEFT + 20} ${height}" font-family="sans-serif" font-size="13">
<title>Native contexts and heap of the job manager over time, leaking and fixed</title>
<rect width="100%" height="100%" fill="#fff"/>
${panel('Native contexts of the job manager', contexts, TOP)}
${panel('Its heap, MB', heap, TOP + HEIGHT + BETWEEN)}
</svg>
`,
);

function panel(title: string, lines: readonly (readonly [string, Points])[], top: number): string {
  const all = lines.flatMap(([, points]) => points);
  const [longest, most] = [Math.max(...all.map(([x]) => x)), Math.max(...all.map(([, y]) => y))];
  const place = ([x, y]: [number, number]) =>
    `${(LEFT + (WIDTH * x) / longest).toFixed(1)},${(top + HEIGHT * (1 - y / most)).toFixed(1)}`;
  const paths = lines.map(
    ([variant, points]) =>
      `<polyline fill="none" stroke="${COLOURS[variant as keyof typeof COLOURS]}" stroke-width="2" points="${points.map(place).join(' ')}"/>`,
  );
  const legend = lines.map(
    ([variant], i) =>
      `<text x="${LEFT + WIDTH - 160 + 90 * i}" y="${top - 10}" fill="${COLOURS[variant as keyof typeof COLOURS]}">${variant}</text>`,
  );
  const bottom = top + HEIGHT;
  return `<text x="${LEFT}" y="${top - 10}">${title}</text>
${legend.join('')}
<path d="M${LEFT} ${top}V${bottom}H${LEFT + WIDTH}" fill="none" stroke="#888"/>
<text x="${LEFT - 8}" y="${top + 5}" text-anchor="end">${Math.round(most)}</text><text x="${LEFT - 8}" y="${bottom}" text-anchor="end">0</text>
<text x="${LEFT + WIDTH}" y="${bottom + 18}" text-anchor="end">${Math.round(longest)} s</text>
${paths.join('\n')}`;
}
