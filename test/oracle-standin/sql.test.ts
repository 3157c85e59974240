/** Statements of Oracle's and what PostgreSQL is asked instead; and those that are refused, with a sentence. */
import { describe, expect, test } from 'vitest';
import { namesOf } from '../../oracle-standin/sql/names.ts';
import { plan } from '../../oracle-standin/sql/plan.ts';

function translated(sql: string): string {
  const planned = plan(sql);
  if (planned.kind === 'query' || planned.kind === 'dml') return planned.statement.text.replace(/\s+/g, ' ').trim();
  if (planned.kind === 'ddl') return planned.texts.join('; ').replace(/\s+/g, ' ').trim();
  return planned.kind;
}

describe.each([
  [
    'binds are numbered by their place',
    `select * from t where a = :id or b = :id`,
    `select * from t where a = $1 or b = $2`,
  ],
  [
    'but not in texts, comments and quoted names',
    `select ':a', ":b" /* :c */ from t -- :d`,
    `select ':a', ":B" from t`,
  ],
  ['other quotes', `select q'[it's]' from dual`, `select 'it''s' from dual`],
  ['an empty text is no text', `select '' from dual`, `select null from dual`],
  ['quoted names swap their case', `select "ID" as "id", "Mixed" from t`, `select "id" as "ID", "Mixed" from t`],
  ['words that are names in Oracle', `select limit, serial# from t`, `select "limit", "serial#" from t`],
  ['NVL', `select nvl(a, nvl(b, 0)) from t`, `select coalesce(a,coalesce(b,0)) from t`],
  [
    'DECODE',
    `select decode(a, 1, 'x', 'y') from t`,
    `select case when a is not distinct from 1 then 'x' else 'y' end from t`,
  ],
  ['sequences', `select orders_seq.nextval from dual`, `select nextval('orders_seq') from dual`],
  [
    'dates',
    `select to_date(:1, 'YYYY-MM-DD HH24:MI:SS') from dual`,
    `select cast(to_timestamp($1,'YYYY-MM-DD HH24:MI:SS') as timestamp(0)) from dual`,
  ],
  [
    'casts',
    `select cast(:1 as varchar2(10 char)), cast(a as number(5,2)) from t`,
    `select cast($1 as varchar(10 )), cast(a as numeric(5,2)) from t`,
  ],
  ['whole numbers divided', `select sysdate - 1/24 from dual`, /- 1\/24\.0 from dual$/],
  ['MINUS', `select a from t minus select a from u`, `select a from t except select a from u`],
  [
    'LISTAGG',
    `select listagg(a, ',') within group (order by a) from t`,
    `select string_agg(cast(a as text), ',' order by a) from t`,
  ],
  [
    'ROWNUM limits',
    `select * from t where a > 1 and rownum <= :n order by a`,
    `select * from t where a > 1 order by a limit ( $1)`,
  ],
  [
    'ROWNUM limits what is deleted',
    `delete from t where rownum <= 10`,
    `delete from t where ctid = any(array(select ctid from t limit ( 10)))`,
  ],
  ['ROWNUM numbers', `select rownum, a from t`, `select row_number() over (), a from t`],
  [
    'rows out of nothing',
    `select level from dual connect by level <= 5`,
    `select level from generate_series(1, cast( 5 as integer)) as dual(level)`,
  ],
  [
    'FETCH FIRST stays',
    `select a from t order by a offset 5 rows fetch first 3 rows only`,
    `select a from t order by a offset 5 rows fetch first 3 rows only`,
  ],
  [
    'ROWID',
    `update t x set a = 1 where rowid = :1 returning x.rowid into :2`,
    `update t x set a = 1 where rowid_of(tableoid, ctid) = $1 returning rowid_of(x.tableoid, x.ctid)`,
  ],
  ['FOR UPDATE', `select a from t for update of t.a skip locked`, `select a from t for update skip locked`],
  [
    'RETURNING',
    `insert into t (a) values (:1) returning id, a into :2, :3`,
    `insert into t (a) values ($1) returning id, a`,
  ],
  [
    'rows whose key is there are left out',
    `insert /*+ ignore_row_on_dupkey_index(t (a, "b")) */ into t (a, "b") values (:1, :2)`,
    `insert into t (a, "B") values ($1, $2) on conflict (a, "B") do nothing`,
  ],
  [
    'rows whose key is there are left out, by the name of the key',
    `insert /*+ IGNORE_ROW_ON_DUPKEY_INDEX(t, T_PK) */ into t select a from u returning a into :1`,
    `insert into t select a from u on conflict on constraint t_pk do nothing returning a`,
  ],
  ['other hints mean nothing', `insert /*+ append */ into t select 1 from dual`, `insert into t select 1 from dual`],
  [
    'JSON that is returned as a type',
    `select json_arrayagg(a order by a returning clob), json_value(b, '$.c' returning varchar2(9)) from t`,
    `select json_arrayagg(a order by a returning text), json_value(b, '$.c' returning varchar(9)) from t`,
  ],
  [
    'UPDATE with an alias',
    `update t x set x.a = 1, x.b = 2 where x.c = 3`,
    `update t x set a = 1, b = 2 where x.c = 3`,
  ],
  ['DELETE without FROM', `delete t where a = 1`, `delete from t where a = 1`],
  [
    'MERGE',
    `merge into t using (select :1 k, :2 v from dual) s on (t.k = s.k) when matched then update set t.v = s.v where t.v < s.v when not matched then insert (t.k, t.v) values (s.k, s.v)`,
    `merge into t using (select $1 k, $2 v from dual) s on (t.k = s.k) when matched and ( t.v < s.v) then update set v = s.v when not matched then insert ( k, v) values (s.k, s.v)`,
  ],
  [
    'CREATE TABLE',
    `create table t (id number generated by default on null as identity primary key, a varchar2(20 char) default 'x' not null, n number(*,0), d date default sysdate, c clob check (c is json), r raw(16), ts timestamp(9) with time zone, constraint u unique (a) using index tablespace x) tablespace users`,
    /^create table t \(id bigint generated by default as identity primary key, *a varchar\(20 \) default 'x' not null, *n numeric\(38,0\) *, *d timestamp\(0\) default .*, *c oracle_standin.clob check \(c is json\), *r bytea *, *ts timestamptz\(6\) *,constraint u unique \(a\) ?\)$/,
  ],
  [
    'CREATE SEQUENCE',
    `create sequence s start with 1 increment by 1 nocache nocycle`,
    `create sequence s start with 1 increment by 1 no cycle`,
  ],
  [
    'ALTER TABLE',
    `alter table t add (a number, b varchar2(5))`,
    `alter table t add column a numeric , add column b varchar(5)`,
  ],
  [
    'ALTER TABLE MODIFY',
    `alter table t modify a varchar2(9) not null`,
    `alter table t alter column a type varchar(9), alter column a set not null`,
  ],
  ['DROP TABLE', `drop table t cascade constraints purge`, `drop table t cascade`],
] as [string, string, string | RegExp][])('%s', (_, sql, expected) => {
  test(sql, () => {
    if (typeof expected === 'string') expect(translated(sql)).toBe(expected);
    else expect(translated(sql)).toMatch(expected);
  });
});

test.each([
  [`select count(*), Sum(a) + 1, a||'x' from t`, ['COUNT(*)', 'SUM(A)+1', `A||'X'`]],
  [`select 6 * 7, 'it', :b, null, sysdate, user from dual`, ['6*7', `'IT'`, ':B', 'NULL', 'SYSDATE', 'USER']],
  [`select case when a > 1 then 2 end from t`, ['CASEWHENA>1THEN2END']],
  [`select a, t.b, t."c", count(*) d, max(a) as e, max(a) "f", s.nextval from t`, new Array(7).fill(null)],
  [`select distinct nvl(a, 0) from (select max(a) a from t)`, ['NVL(A,0)']],
  [`with u as (select max(a) a from t) select min(a) from u for update`, ['MIN(A)']],
  [`select 1, t.*, u.*, 2 from t, u`, ['1', null, null, null, '2']],
])('the columns of %s are named as in Oracle', (sql, names) => {
  const planned = plan(sql);
  expect(planned.kind === 'query' && namesOf(planned.statement.names!, names.length)).toEqual(names);
});

test.each([
  [`select * from t, u where t.a = u.a (+)`, 900, 'the stand-in knows outer joins only as OUTER JOIN, not as (+)'],
  [`select ora_rowscn from t`, 900, 'the stand-in knows no ORA_ROWSCN'],
  [`select a, cursor(select b from u) from t`, 900, 'the stand-in knows no CURSOR(…) in SQL'],
  [`select * from table(f())`, 900, 'the stand-in knows no TABLE(…) in SQL'],
  [`select * from t@other`, 900, 'the stand-in knows no database links'],
  [`select * from e start with m is null connect by prior id = m`, 900, 'the stand-in knows CONNECT BY only as'],
  [`insert all into t values (1) select 1 from dual`, 900, 'the stand-in knows no INSERT into several tables'],
  [`create table t (a xmltype)`, 902, 'the stand-in knows no type xmltype'],
  [`create table t (a number) partition by hash (a)`, 900, 'the stand-in knows no partitions'],
  [`create or replace procedure p as begin null; end;`, 900, 'the stand-in knows no CREATE PROCEDURE'],
  [`grant select on t to u`, 900, 'the stand-in knows no GRANT'],
  [`select 1 from dual;`, 933, 'SQL command not properly ended'],
  [`select 'open`, 1756, 'quoted string not properly terminated'],
  [`begin for i in 1..3 loop null; end loop; end;`, 6550, 'in PL/SQL'],
  [`declare x number; begin null; end;`, 6550, 'the stand-in knows no variables in PL/SQL'],
])('%s is refused', (sql, code, sentence) => {
  let refused: unknown;
  try {
    plan(sql);
  } catch (error) {
    refused = error;
  }
  expect(refused).toMatchObject({ code, message: expect.stringContaining(sentence) });
});
