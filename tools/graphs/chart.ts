/** Lines over time, one chart above the other, as SVG for a page that is read in light and in dark. */

export type Points = [seconds: number, value: number][];

export interface Line {
  name: string;
  colour: string;
  points: Points;
  /** Marked by dots. */
  dots?: Points;
}

export interface Chart {
  title: string;
  lines: readonly Line[];
}

export interface Charts {
  title: string;
  charts: readonly Chart[];
}

const [WIDTH, HEIGHT, LEFT, TOP, BETWEEN] = [760, 150, 60, 40, 60];

export function chartsOf({ title, charts }: Charts): string {
  const height = charts.length * (HEIGHT + BETWEEN) + TOP - 20;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH + LEFT + 20} ${height}" font-family="sans-serif" font-size="13">
<title>${title}</title>
<rect width="100%" height="100%" fill="#fff"/>
${charts.map((chart, index) => drawn(chart, TOP + index * (HEIGHT + BETWEEN))).join('\n')}
</svg>
`;
}

function drawn({ title, lines }: Chart, top: number): string {
  const all = lines.flatMap(({ points, dots = [] }) => [...points, ...dots]);
  const [longest, most] = [Math.max(...all.map(([x]) => x)), Math.max(...all.map(([, y]) => y))];
  const x = (seconds: number) => (LEFT + (WIDTH * seconds) / longest).toFixed(1);
  const y = (value: number) => (top + HEIGHT * (1 - value / most)).toFixed(1);
  const bottom = top + HEIGHT;
  return [
    `<text x="${LEFT}" y="${top - 10}">${title}</text>`,
    ...lines.map(
      ({ name, colour }, i) =>
        `<text x="${LEFT + WIDTH - 110 * (lines.length - i)}" y="${top - 10}" fill="${colour}">${name}</text>`,
    ),
    `<path d="M${LEFT} ${top}V${bottom}H${LEFT + WIDTH}" fill="none" stroke="#888"/>`,
    `<text x="${LEFT - 8}" y="${top + 5}" text-anchor="end">${Math.round(most).toLocaleString('en')}</text><text x="${LEFT - 8}" y="${bottom}" text-anchor="end">0</text>`,
    `<text x="${LEFT + WIDTH}" y="${bottom + 18}" text-anchor="end">${Math.round(longest)} s</text>`,
    ...lines.map(
      ({ colour, points }) =>
        `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map(([s, v]) => `${x(s)},${y(v)}`).join(' ')}"/>`,
    ),
    ...lines.flatMap(({ colour, dots = [] }) =>
      dots.map(([s, v]) => `<circle cx="${x(s)}" cy="${y(v)}" r="2.5" fill="#fff" stroke="${colour}"/>`),
    ),
  ].join('\n');
}
