import { expect, test } from 'vitest';
import { Rhythm } from '../probe/process/rhythm.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** The times at which it ticks, judges and samples, when no tick is late. */
function live(rhythm: Rhythm, { until = MINUTE, judging = 0.1, isOverBudget = false } = {}) {
  const [ticks, judgements, samples] = [[], [], []] as [number[], number[], number[]];
  for (let time = rhythm.period; time <= until; time += rhythm.period) {
    ticks.push(time);
    rhythm.tick(time);
    if (rhythm.isTimeToJudge(time)) {
      judgements.push(time);
      rhythm.judged(judging);
      rhythm.restFromJudging(time, isOverBudget);
    }
    if (rhythm.sample(time) !== null) samples.push(time);
  }
  const within = (times: number[], from: number, to: number) => times.filter((at) => at > from && at <= to).length;
  return { ticks, judgements, samples, within };
}

test('a young process is looked at twice a second, an older one once: an idle one is woken less', () => {
  const { ticks, judgements, samples, within } = live(new Rhythm(0, false));
  expect(within(ticks, 0, 10 * SECOND)).toBe(20);
  expect(within(ticks, 40 * SECOND, 50 * SECOND)).toBe(10);
  expect(judgements).toEqual(ticks);
  // the first at once, then each second
  expect(within(samples, SECOND / 2, MINUTE)).toBe(59);
});

test('soak keeps looking twice a second', () => {
  const { ticks, within } = live(new Rhythm(0, true));
  expect(within(ticks, 40 * SECOND, 50 * SECOND)).toBe(20);
});

test('judgements that take long come seldom: a quarter of a per cent of the time is theirs', () => {
  const { judgements } = live(new Rhythm(0, true), { judging: 25 });
  expect(judgements.slice(3, 6)).toEqual([2 * SECOND, 12 * SECOND, 22 * SECOND]);
});

test('over its budget the probe judges every ten seconds', () => {
  const { judgements } = live(new Rhythm(0, false), { isOverBudget: true });
  expect(judgements.slice(0, 4)).toEqual([0.5, 10.5, 20.5, 30.5].map((each) => each * SECOND));
});

test('a late tick tells how long the loop was held; each sample takes the worst since the last', () => {
  const rhythm = new Rhythm(0, true);
  rhythm.tick(700);
  rhythm.tick(1200);
  expect(rhythm.sample(1200)).toBe(200);
  rhythm.tick(1700);
  expect(rhythm.sample(1700)).toBe(null);
  rhythm.tick(2200);
  expect(rhythm.sample(2200)).toBe(0);
});
