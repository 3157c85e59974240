import { describe, expect, test } from 'vitest';
import { answerOf, isGranted, rowsIn } from '../probe/watch/sessions/answers.ts';
import { type Dialect, effectsOf } from '../probe/watch/sessions/effects.ts';
import { MYSQL } from '../probe/watch/sessions/mysql.ts';
import { POSTGRES } from '../probe/watch/sessions/postgres.ts';
import { SQL_SERVER } from '../probe/watch/sessions/sql-server.ts';

// What a statement does to its session, told by its text.

const told = (dialect: Dialect, text: string, values?: unknown) =>
  effectsOf(text, values, dialect).map((effect) => {
    if (effect.does === 'leave') return `${effect.nature} ${effect.key}${effect.answer === null ? '' : '?'}`;
    if ('name' in effect) return `${effect.does} ${effect.name}`;
    return effect.does === 'undo' ? `undo ${effect.nature ?? 'all'} ${effect.key ?? '*'}` : effect.does;
  });

describe('PostgreSQL', () => {
  test.each([
    ['select pg_advisory_lock(42)', 'advisory lock 42'],
    ['SELECT pg_try_advisory_lock ( 42 ) AS ok', 'advisory lock 42?'],
    ["select * from pg_advisory_lock(hashtext('report'))", 'advisory lock hashtext(report)'],
    ['select pg_advisory_unlock(42)', 'undo advisory lock 42'],
    ['select pg_advisory_unlock_all()', 'undo advisory lock *'],
    ["set statement_timeout = '5s'", 'setting statement_timeout'],
    ["set transaction_timeout = '5s'", 'setting transaction_timeout'],
    ['  -- why\n/* who */ SET SESSION search_path TO tenant, public;', 'setting search_path'],
    ["set time zone 'UTC'", 'setting timezone'],
    ['set role reader', 'setting role'],
    ['set session authorization reader', 'setting session authorization'],
    ['set session characteristics as transaction read only', 'setting transaction characteristics'],
    ["select set_config('app.tenant', 'a', false)", 'setting app.tenant'],
    ['reset role', 'undo setting role'],
    ['set role none', 'undo setting role'],
    ['set work_mem to default', 'undo setting work_mem'],
    ['reset all', 'undo setting *'],
    ['discard all', 'undo all *'],
    ['listen "orders"', 'subscription orders'],
    ['unlisten *', 'undo subscription *'],
    ['create temp table if not exists scratch (id int)', 'temporary table scratch'],
    ['drop table if exists scratch cascade', 'undo temporary table scratch'],
    ['prepare plan (int) as select $1', 'prepared statement plan'],
    ['deallocate prepare plan', 'undo prepared statement plan'],
    ['begin isolation level serializable', 'begin'],
    ['end', 'commit'],
    ["prepare transaction 'x'", 'commit'],
    ['abort', 'roll back'],
    ['savepoint before', 'save before'],
    ['rollback to savepoint "before"', 'roll back to before'],
    ['ROLLBACK WORK TO before', 'roll back to before'],
  ])('%s', (text, ...effects) => {
    expect(told(POSTGRES, text)).toEqual(effects);
  });

  test.each([
    "set local statement_timeout = '5s'",
    'set transaction isolation level serializable',
    'set transaction_read_only = on',
    'set constraints all deferred',
    'select pg_advisory_xact_lock(42)',
    "select set_config('app.tenant', 'a', true)",
    'create temp table t (id int) on commit drop',
    'create table settings (id int)',
    'lock table accounts in exclusive mode',
    "rollback prepared 'a'",
    "insert into notes values ('; set role admin')",
    'update accounts set role = 1',
    '',
  ])('nothing: %s', (text) => {
    expect(told(POSTGRES, text)).toEqual([]);
  });

  test('bound values are looked up; which of several statements is which, strings do not tell', () => {
    expect(told(POSTGRES, 'select pg_advisory_lock($1::bigint)', [7])).toEqual(['advisory lock 7']);
    expect(told(POSTGRES, 'select set_config($1, $2, $3)', ['role', 'x', true])).toEqual([]);
    expect(told(POSTGRES, "set a.b to ';'; select 1; reset a.b")).toEqual(['setting a.b', 'undo setting a.b']);
  });
});

describe('whether a lock that was tried is had', () => {
  const POSTGRES_TRY = 'pg_try_advisory_lock';
  test.each([
    ['select pg_try_advisory_lock(1)', [{ pg_try_advisory_lock: true }], true],
    ['select id, pg_try_advisory_lock(id) from jobs limit 1', [{ id: 7, pg_try_advisory_lock: true }], true],
    ['select id, pg_try_advisory_lock(id) from jobs limit 1', [{ id: 1, pg_try_advisory_lock: false }], false],
    ["select coalesce(a, ',', b), pg_try_advisory_lock(id) mine from jobs", [{ coalesce: 'x', mine: false }], false],
    ['select *, pg_try_advisory_lock(id) as mine, now() from jobs', [{ id: 1, n: 2, mine: true, now: 3 }], true],
    [
      'select id, pg_try_advisory_lock(id) from jobs',
      [
        [3, false],
        [4, true],
      ],
      true,
    ],
    // of columns with one name a driver keeps the last
    ['select 1 as id, pg_try_advisory_lock(1), pg_try_advisory_lock(2)', [{ id: 1, pg_try_advisory_lock: true }], true],
    [
      'select pg_try_advisory_lock(1) "mine", pg_try_advisory_lock(2), 1',
      [{ mine: false, pg_try_advisory_lock: true }],
      false,
    ],
    ['select id from jobs where pg_try_advisory_lock(id) limit 1', [{ id: 7 }], true],
    ['select id from jobs where pg_try_advisory_lock(id) limit 1', [], false],
    ['select * from pg_try_advisory_lock(1)', [{ pg_try_advisory_lock: false }], false],
  ])('%s: %j', (statement, rows, isHad) => {
    expect(isGranted(rowsIn(rows), answerOf(statement, statement.indexOf(POSTGRES_TRY)))).toBe(isHad);
  });

  test('the lists of rows of several statements are one', () => {
    expect(rowsIn([{ affectedRows: 0 }, [{ id: 1 }], []])).toEqual([{ affectedRows: 0 }, { id: 1 }, []]);
  });
});

describe('long texts', () => {
  const filler = `insert into notes values ('${'x'.repeat(100)}'); `.repeat(50);

  test.each([
    [POSTGRES, `begin; ${filler} commit`, ['begin', 'commit']],
    [POSTGRES, `set role admin; ${filler} reset role`, ['setting role', 'undo setting role']],
    [
      POSTGRES,
      `select pg_advisory_lock(1); ${filler} select pg_advisory_unlock(1);`,
      ['advisory lock 1', 'undo advisory lock 1'],
    ],
    [POSTGRES, `create temp table t (${'id int, '.repeat(500)} n int) on commit drop`, []],
    [
      MYSQL,
      `lock tables a write; ${filler} unlock tables`,
      ['undo table lock *', 'table lock tables', 'undo table lock *'],
    ],
  ])('are read to their end: %#', (dialect, text, effects) => {
    expect(told(dialect, text)).toEqual(effects);
  });

  test('not those that are too long: half of what they do would be wrong', () => {
    expect(told(POSTGRES, `set role admin; ${filler.repeat(20)} reset role`)).toEqual([]);
  });
});

describe('MySQL', () => {
  test.each([
    ["select get_lock('report', 10)", 'named lock report?'],
    ["do release_lock('report')", 'undo named lock report'],
    ['select release_all_locks()', 'undo named lock *'],
    ['lock tables accounts write', 'undo table lock *', 'table lock tables'],
    ['flush tables with read lock', 'table lock all tables'],
    ['unlock tables', 'undo table lock *'],
    ["set session sql_mode = '', wait_timeout = 5", 'session variable sql_mode', 'session variable wait_timeout'],
    ['set @@session.max_execution_time = 5', 'session variable max_execution_time'],
    ['set local lock_wait_timeout := 5', 'session variable lock_wait_timeout'],
    ['set session transaction isolation level read committed', 'session variable transaction_isolation'],
    ['set names latin1', 'session variable names'],
    ['set autocommit = 0', 'session variable autocommit'],
    ['set autocommit = 1', 'undo session variable autocommit'],
    ['set sql_mode = @old_mode', 'undo session variable sql_mode'],
    ['set wait_timeout = default', 'undo session variable wait_timeout'],
    ['use `reports`', 'default database database'],
    ['create temporary table scratch (id int)', 'temporary table scratch'],
    ['drop temporary table scratch', 'undo temporary table scratch'],
    ["prepare plan from 'select 1'", 'prepared statement plan'],
    ['drop prepare plan', 'undo prepared statement plan'],
    ['start transaction', 'undo table lock tables', 'begin'],
  ])('%s', (text, ...effects) => {
    expect(told(MYSQL, text)).toEqual(effects);
  });

  test.each([
    'set @counter = 1',
    'set global max_connections = 10',
    'set @@global.wait_timeout = 5',
    'set transaction read only',
    "set password = 'x'",
    'set statement max_statement_time = 1 for select 1',
    'begin not atomic select 1; end',
    'select count(*) from locks',
    'update accounts set wait_timeout = 1',
  ])('nothing: %s', (text) => {
    expect(told(MYSQL, text)).toEqual([]);
  });

  test('which lock it is, the values before it tell', () => {
    expect(told(MYSQL, 'select ?, get_lock(?, ?)', ['a', 'Report', 5])).toEqual(['named lock report?']);
  });
});

describe('SQL Server', () => {
  test.each([
    ['begin transaction', 'transaction transaction'],
    ['BEGIN DISTRIBUTED TRAN orders', 'transaction transaction'],
    ["declare @n int; begin tran; select '; commit'"],
    [
      'begin tran; insert into orders default values; commit',
      'transaction transaction',
      'undo transaction transaction',
    ],
    ['commit', 'undo transaction transaction'],
    ['rollback tran', 'undo transaction *'],
    ['begin select 1 end'],
    ['save transaction half'],
  ])('%s', (text, ...effects) => {
    expect(told(SQL_SERVER, text)).toEqual(effects);
  });
});
