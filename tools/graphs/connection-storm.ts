/** The database's own side of the storm, of its cure, and of the small region. */
import type { Charts, Line, Points } from './chart.ts';
import { type Database, databaseOf } from './recordings.ts';

type Look = Database['looks'][number];

const VARIANTS = [
  ['large-per-slot', 'a pool a slot', '#c0392b'],
  ['large-per-job', 'a pool a job', '#2a7f62'],
  ['small-per-slot', 'small region', '#5b6770'],
] as const;

export async function connectionStorm(folder: string): Promise<Charts> {
  const seen: [name: string, colour: string, looks: Look[]][] = [];
  for (const [variant, name, colour] of VARIANTS) {
    const database = await databaseOf(folder, variant);
    if (database) seen.push([name, colour, database.looks]);
  }
  const lines = (points: (looks: Look[]) => Points): Line[] =>
    seen.map(([name, colour, looks]) => ({ name, colour, points: points(looks) }));
  return {
    title: 'Sessions, processor time and memory of the database over time, in the storm and without',
    charts: [
      {
        title: 'Sessions of the database',
        lines: lines((looks) =>
          looks.map(({ at, sessions }) => [at / 1000, Object.values(sessions).reduce((sum, each) => sum + each, 0)]),
        ),
      },
      { title: 'Its processor time, seconds in all', lines: lines((looks) => cpuOf(looks)) },
      {
        title: 'Its memory, MB',
        lines: lines((looks) =>
          looks.flatMap(({ at, memoryBytes }) => (memoryBytes === null ? [] : [[at / 1000, memoryBytes / 1e6]])),
        ),
      },
    ],
  };
}

function cpuOf(looks: readonly Look[]): Points {
  const first = looks.find(({ cpuMs }) => cpuMs !== null)?.cpuMs ?? 0;
  return looks.flatMap(({ at, cpuMs }) => (cpuMs === null ? [] : [[at / 1000, (cpuMs - first) / 1000]]));
}
