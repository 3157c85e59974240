/** The job manager's native contexts, heap and resident memory, leaking and fixed. */
import type { Charts, Line, Points } from './chart.ts';
import { type Recording, recordingsOf } from './recordings.ts';

const COLOURS = { leaking: '#c0392b', fixed: '#2a7f62' };

export async function generationLeak(folder: string): Promise<Charts> {
  const managers: [name: string, colour: string, manager: Recording][] = [];
  for (const [name, colour] of Object.entries(COLOURS)) {
    const recordings = await recordingsOf(folder, name);
    const manager = recordings.find(({ process }) => process.parent === 0 && process.thread === 0);
    if (manager) managers.push([name, colour, manager]);
  }
  const lines = (points: (manager: Recording) => Points, dots?: (manager: Recording) => Points): Line[] =>
    managers.map(([name, colour, manager]) => ({
      ...{ name, colour, points: points(manager) },
      ...(dots && { dots: dots(manager) }),
    }));
  const sampled = (value: (sample: Recording['samples'][number]) => number) => (manager: Recording) =>
    manager.samples.map((sample): Points[number] => [sample.at / 1000, value(sample)]);
  const collected = ({ collections }: Recording) =>
    collections.map(({ at, heapUsed }): Points[number] => [at / 1000, heapUsed / 1e6]);
  return {
    title: 'Native contexts, heap and resident memory of the job manager over time, leaking and fixed',
    charts: [
      { title: 'Native contexts of the job manager', lines: lines(sampled(({ nativeContexts }) => nativeContexts)) },
      {
        title: 'Its heap, MB; ○ after a collection',
        lines: lines(
          sampled(({ heapUsed }) => heapUsed / 1e6),
          collected,
        ),
      },
      { title: 'Its resident memory, MB', lines: lines(sampled(({ rss }) => rss / 1e6)) },
    ],
  };
}
