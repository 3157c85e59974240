/** Of an SQL statement only its shape is kept: literals may be secrets, and databases differ in what a literal is. */
import { expect, test } from 'vitest';
import { sqlShape } from '../probe/recording/sql-shape.ts';

test.each([
  ["select * from users where token = 'abc''d' and id = 42 -- mine", 'select * from users where token = ? and id = ?'],
  [
    'select $1::int, :2, :name, @p3, ? from t3 where col2 = 1.5e3',
    'select $1::int, :2, :name, @p3, ? from t3 where col2 = ?',
  ],
  ["update t set note = '-- see below',\n password = 'hunter2'", 'update t set note = ?, password = ?'],
  ["select '/* ' , 'hunter2' /* it's */ from t", 'select ? , ? from t'],
  ["select /* a /* b */ 'hunter2' */ 1 from t", 'select ? ? from t'],
  ["select E'it\\'s hunter2', N'hunter2', x'00', B'01' from t", 'select ?, ?, ?, ? from t'],
  ["select q'[it's hunter2]', nq'{hunter2}', Q'!hunter2!' from dual", 'select ?, ?, ? from dual'],
  ["do $x$ it's hunter2 $x$ language sql", 'do ? language sql'],
  ["select $$it's$$, U&'d\\0061t' from t", 'select ?, U&? from t'],
  ['alter user x identified by "hunter2"', 'alter user x identified by ?'],
  ['alter user x identified by hunter2 replace hunter2', 'alter user x identified by ?'],
  ['set session app.user to hunter2', 'set session app.user to ?'],
  ['begin; SET role=hunter2; select 1', 'begin; SET role=?; select ?'],
  ['set transaction read only', 'set transaction read only'],
  ['update t set total = price', 'update t set total = price'],
  ['insert into "order lines" values ("hunter2", u."id")', 'insert into "order lines" values (?, u."id")'],
  [
    'select trim(both from "hunter2") from [order lines] where x = \'hunter2\'',
    'select trim(both from ?) from [order lines] where x = ?',
  ],
  ["select data #>> '{a,b}', a['x'] from t", 'select data #>> ?, a[?] from t'],
])('%s', (statement, shape) => {
  expect(sqlShape(statement)).toBe(shape);
});

test.each([
  // a backslash ends the string in some databases, and does not in MySQL
  "select '\\', hunter2 ' from t",
  "select 'it\\'s', 'hunter2' from t",
  // a comment in MySQL, an operator elsewhere
  "select a # it's\n, 'hunter2' from t",
  // a name in SQL Server, an array elsewhere; a name in MySQL
  "select [it's], 'hunter2' from t",
  "select `it's`, 'hunter2' from t",
  "select 1 --it's\n, 'hunter2', 'x' from t",
  "select 'hunter2",
  'select /* hunter2',
  'select $a$ hunter2',
  "select q'[hunter2]",
])('where databases differ, or it does not end, %s is hidden', (statement) => {
  expect(sqlShape(statement)).not.toContain('hunter2');
});

test('at most eighty characters of it', () => {
  expect(sqlShape(`select ${'very_'.repeat(40)}`)).toHaveLength(80);
  expect(sqlShape(`select '${'x'.repeat(1e6)}', 'hunter2'`)).toBe('select…');
});
