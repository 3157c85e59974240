/** Refusals, drops and hangs at each stage: what a service's driver says then, to the letter. */
import oracledb from 'oracledb';
import { describe, expect, test } from 'vitest';
import { parseFault, STAGES } from '../../oracle-standin/index.ts';
import { until } from '../support/until.ts';
import { refusal, standInForTests } from './support.ts';

const under = standInForTests();
const connect = (changes: object = {}) => oracledb.getConnection({ ...under.credentials, ...changes });

const CLOSED = /^NJS-500: connection to Oracle Database was closed or broken\nNJS-(521|501)/;
const BEFORE_SESSION = ['connect', 'protocol', 'datatypes', 'auth1', 'auth2'] as const;

test.each(BEFORE_SESSION)('end of file at %s', async (at) => {
  under.standIn.fault({ at, do: 'end', times: 1 });
  const error = await refusal(connect());
  expect(error.message).toMatch(/NJS-521: connection to host 127.0.0.1 port \d+ received end-of-file/);
  await until('every connection to end', () => under.standIn.connections() === 0);
});

test.each(BEFORE_SESSION)('reset at %s', async (at) => {
  under.standIn.fault({ at, do: 'reset', times: 1 });
  expect((await refusal(connect())).message).toMatch(/NJS-501[\s\S]*ECONNRESET/);
});

test('reset straight after TCP has connected', async () => {
  under.standIn.fault({ at: 'accept', do: 'reset', times: 1 });
  expect((await refusal(connect())).message).toMatch(/NJS-50[13][\s\S]*ECONNRESET/);
});

test.each([12514, 12516, 12518, 12520, 12541])('a listener that refuses with ORA-%i', async (code) => {
  under.standIn.fault({ at: 'connect', do: 'refuse', code, times: 1 });
  const { message } = await refusal(connect());
  if (code === 12514) expect(message).toContain('Service "STANDIN" is not registered');
  else expect(message).toMatch(new RegExp(`NJS-511[\\s\\S]*Cause: ORA-${code}`));
});

test.each([28000, 18, 2391, 1034])('a logon that is denied with ORA-%i', async (code) => {
  under.standIn.fault({ at: 'auth2', do: 'error', code, times: 1 });
  expect(await refusal(connect())).toMatchObject({ errorNum: code });
});

test('a hang before ACCEPT ends with connectTimeout, one after it never does', async () => {
  under.standIn.fault({ at: 'auth1', do: 'hang', times: 1 });
  under.standIn.fault({ at: 'connect', do: 'hang', after: 1, times: 1 });
  let settled = false;
  const after = refusal(connect({ connectTimeout: 1 })).finally(() => {
    settled = true;
  });
  await until('the first to connect', () => under.standIn.connections() === 1);
  // began later, and has the same time-out
  expect((await refusal(connect({ connectTimeout: 1 }))).message).toContain('NJS-510');
  expect(settled).toBe(false);
  under.standIn.drop('end');
  expect((await after).message).toMatch(CLOSED);
});

test.each(['end', 'reset', 'garbage'] as const)('%s in the middle of a call costs that session only', async (how) => {
  await under.connected(async (other) => {
    const connection = await connect();
    under.standIn.fault({ at: 'execute', do: how, sql: /doomed/, times: 1 });
    const error = await refusal(connection.execute('select 1 as doomed from dual'));
    expect(error.message).toMatch(/NJS-50[01]/);
    await connection.close().catch(() => {});
    expect((await other.execute('select 1 from dual')).rows).toEqual([[1]]);
    await until('the session to end', () => under.standIn.sessions().length === 1);
  });
});

test('a drop while idle is seen at the next call', async () => {
  const connection = await connect();
  under.standIn.drop('end');
  await until('every connection to end', () => under.standIn.connections() === 0);
  expect((await refusal(connection.execute('select 1 from dual'))).message).toMatch(CLOSED);
  await connection.close();
});

test('a client that dies in the middle of a call leaves no backend behind', async () => {
  await under.connected(async (other) => {
    const connection = await connect();
    const slept = refusal(connection.execute('begin dbms_session.sleep(30); end;'));
    await until('the call to run', () => under.sessionOf(connection).status === 'ACTIVE');
    const { sid, backend } = under.sessionOf(connection);
    under.standIn.drop('reset', sid);
    expect((await slept).message).toMatch(CLOSED);
    const left = async () =>
      (await other.execute<[number]>('select count(*) from pg_stat_activity where pid = :1', [backend])).rows?.[0]?.[0];
    await until('its backend to end', async () => (await left()) === 0);
  });
});

test('a call time-out breaks off what runs, and the connection stays usable', async () => {
  await under.connected(async (connection) => {
    await connection.execute('create table kept (id number)');
    await connection.execute('insert into kept values (1)');
    connection.callTimeout = 100;
    expect((await refusal(connection.execute('begin dbms_session.sleep(30); end;'))).message).toContain('NJS-123');
    connection.callTimeout = 0;
    // the transaction has lost nothing but the call
    expect((await connection.execute('select id from kept')).rows).toEqual([[1]]);
    expect(connection.transactionInProgress).toBe(true);
  });
});

test('breaks that race with their answers leave every next query its own rows', async () => {
  await under.connected(async (connection) => {
    connection.callTimeout = 2;
    for (let i = 0; i < 60; i++) {
      const rows = await connection.execute('select :1 from dual', [i]).then(
        (result) => result.rows,
        (error: Error) => error.message.slice(0, 7),
      );
      expect([JSON.stringify([[i]]), '"NJS-123"']).toContain(JSON.stringify(rows));
    }
    connection.callTimeout = 0;
    expect((await connection.execute(`select 'end' from dual`)).rows).toEqual([['end']]);
  });
});

test('breakExecution() ends a call with ORA-01013', async () => {
  await under.connected(async (connection) => {
    const slept = refusal(connection.execute('begin dbms_session.sleep(30); end;'));
    await until('the call to run', () => under.sessionOf(connection).status === 'ACTIVE');
    await (connection as oracledb.Connection & { breakExecution(): Promise<void> }).breakExecution();
    expect((await slept).message).toContain('ORA-01013: user requested cancel of current operation');
  });
});

describe('ALTER SYSTEM KILL SESSION', () => {
  test('ends an idle session at its next call, and gives its locks back at once', async () => {
    await under.connected(async (dba) => {
      const victim = await connect();
      await victim.execute('create table locked (id number)');
      await victim.execute('insert into locked values (1)', [], { autoCommit: true });
      await victim.execute('select * from locked for update');
      const { sid, serial } = under.sessionOf(victim);
      await dba.execute(`alter system kill session '${sid},${serial}' immediate`);
      expect((await dba.execute('select status from v$session where sid = :1', [sid])).rows).toEqual([['KILLED']]);
      await dba.execute('update locked set id = 2', [], { autoCommit: true });
      const error = await refusal(victim.execute('select 1 from dual'));
      expect(error.message).toContain('ORA-00028: your session has been killed');
      expect(error.code).toBe('NJS-500');
      await until('the session to end', () => under.standIn.sessions().length === 1);
    });
  });

  test('ends a call that runs', async () => {
    await under.connected(async (dba) => {
      const victim = await connect();
      const slept = refusal(victim.execute('begin dbms_session.sleep(30); end;'));
      await until('the call to run', () => under.sessionOf(victim).status === 'ACTIVE');
      const { sid, serial } = under.sessionOf(victim);
      expect((await refusal(dba.execute(`alter system kill session '${sid},${serial + 1}'`))).message).toContain(
        'ORA-00030',
      );
      await dba.execute(`alter system kill session '${sid},${serial}'`);
      expect((await slept).message).toContain('ORA-00028');
      await until('the session to end', () => under.standIn.sessions().length === 1);
    });
  });
});

test('who waits for a lock of whom shows in v$session', async () => {
  await under.connected(async (dba) => {
    await dba.execute('create table contended (id number)');
    await dba.execute('insert into contended values (1)', [], { autoCommit: true });
    await under.connected(async (holder) => {
      await holder.execute('update contended set id = 2');
      await under.connected(async (waiter) => {
        const update = waiter.execute('update contended set id = 3');
        const blocked = `select event, blocking_session from v$session where blocking_session is not null`;
        const rows = await until('the update to wait', async () => {
          const { rows = [] } = await dba.execute(blocked);
          return rows.length > 0 && rows;
        });
        expect(rows).toEqual([['enq: TX - row lock contention', under.sessionOf(holder).sid]]);
        await holder.rollback();
        await update;
      });
    });
  });
});

test('an error in band is thrown from the call that reads it', async () => {
  await under.connected(async (connection) => {
    under.standIn.control(under.sessionOf(connection).sid, 3057);
    expect((await refusal(connection.execute('select 1 from dual'))).message).toMatch(/NJS-513[\s\S]*ORA-3057/);
  });
});

test('a fault can let some pass, and strike a number of times', async () => {
  await under.connected(async (connection) => {
    under.standIn.fault({ at: 'ping', do: 'error', code: 1653, after: 1, times: 2 });
    const outcomes: string[] = [];
    for (let i = 0; i < 4; i++) {
      outcomes.push(
        await connection.ping().then(
          () => 'ok',
          (error) => error.message.slice(0, 9),
        ),
      );
    }
    expect(outcomes).toEqual(['ok', 'ORA-01653', 'ORA-01653', 'ok']);
  });
});

test('faults as a user writes them', () => {
  expect(parseFault('connect:refuse:12516')).toEqual({ at: 'connect', do: 'refuse', code: 12516 });
  expect(parseFault('auth2:hang*3')).toEqual({ at: 'auth2', do: 'hang', times: 3 });
  expect(parseFault('call:delay:200')).toEqual({ at: 'call', do: 'delay', ms: 200 });
  for (const [wrong, sentence] of [
    ['nowhere:hang', `at ${STAGES.join(', ')}`],
    ['call:dance', 'A fault does refuse, error'],
    ['call:refuse:12516', 'Only a listener refuses'],
    ['protocol:error:1', 'from auth1 on'],
    ['call:error', 'needs an ORA number'],
    ['call:hang:3', 'takes no number'],
  ] as const) {
    expect(() => parseFault(wrong)).toThrow(sentence);
  }
});
