import { expect, test } from 'vitest';
import { Notices } from '../probe/account/notices.ts';

const notice = {
  library: 'oracledb',
  pool: 'orders',
  name: 'hung-logon',
  sentence: 'It hangs.',
  remedy: 'Restart it.',
};

test('what happens again is counted, what goes on is only told in new words', () => {
  const notices = new Notices();
  notices.tell(notice);
  notices.tell({ ...notice, sentence: 'It hangs for 5 s.' }, true);
  expect(notices.look()).toEqual([{ ...notice, sentence: 'It hangs for 5 s.', count: 1 }]);
  expect(notices.look()).toEqual([]);
  notices.tell(notice);
  notices.tell({ ...notice, pool: 'reports' });
  expect(notices.look().map(({ pool, count }) => [pool, count])).toEqual([
    ['orders', 2],
    ['reports', 1],
  ]);
});

test('what no event tells is looked for before each look', () => {
  const notices = new Notices();
  notices.lookouts.push(() => notices.tell(notice));
  expect(notices.look()).toHaveLength(1);
});

test('names without end do not grow it without end', () => {
  const notices = new Notices();
  for (let n = 0; n < 1000; n++) notices.tell({ ...notice, pool: `pool ${n}` });
  expect(notices.look()).toHaveLength(200);
});
