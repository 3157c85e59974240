/**
 * What every database behind a stand-in needs: DUAL, types that tell CLOB from VARCHAR2, functions and operators that
 * PostgreSQL has not, and Oracle's dictionary views. In a schema of its own, made once.
 */

export const SCHEMA = 'oracle_standin';
/** Two stand-ins on one database must not create it at once. */
const LOCK = 7_521_001;

const DOMAINS = { clob: 'text', blob: 'bytea', long: 'text', long_raw: 'bytea' };

const FUNCTIONS = `
create or replace function sys_context(namespace text, parameter text) returns varchar stable language sql
  return nullif(current_setting('standin.' || lower(parameter), true), '');
create or replace function sys_guid() returns bytea language sql
  return decode(replace(cast(gen_random_uuid() as text), '-', ''), 'hex');
create or replace function rawtohex(value bytea) returns varchar immutable language sql
  return upper(encode(value, 'hex'));
create or replace function hextoraw(value varchar) returns bytea immutable language sql
  return decode(value, 'hex');
create or replace function rowid_part(value bigint, length integer) returns text immutable language sql
  return right(encode(substring(int8send(value) from 3), 'base64'), length);
create or replace function rowid_of(relation oid, place tid) returns varchar immutable language sql
  return concat(rowid_part(cast(relation as bigint), 6), 'AAA',
    rowid_part(cast((cast(cast(place as text) as point))[0] as bigint), 6),
    rowid_part(cast((cast(cast(place as text) as point))[1] as bigint), 3));
create or replace function instr(value text, part text) returns numeric immutable language sql
  return position(part in value);
create or replace function lengthb(value text) returns numeric immutable language sql
  return octet_length(value);
create or replace function replace(value text, part text) returns text immutable language sql
  return pg_catalog.replace(value, part, '');
create or replace function trunc(value timestamp) returns timestamp(0) immutable language sql
  return date_trunc('day', value);
create or replace function trunc(value timestamp, unit text) returns timestamp(0) immutable language sql
  return date_trunc(case upper(unit) when 'DD' then 'day' when 'MM' then 'month' when 'MON' then 'month'
    when 'YYYY' then 'year' when 'YEAR' then 'year' when 'HH24' then 'hour' when 'HH' then 'hour'
    when 'MI' then 'minute' when 'IW' then 'week' when 'Q' then 'quarter' else unit end, value);
create or replace function add_months(value timestamp, months numeric) returns timestamp(0) immutable language sql
  return value + make_interval(months => cast(months as integer));
create or replace function last_day(value timestamp) returns timestamp(0) immutable language sql
  return date_trunc('month', value) + interval '1 month - 1 day' + (value - date_trunc('day', value));
create or replace function numtodsinterval(value numeric, unit text) returns interval immutable language sql
  return cast('1 ' || unit as interval) * cast(value as double precision);
create or replace function days_later(value timestamp, days numeric) returns timestamp(0) immutable language sql
  return value + cast(days as double precision) * interval '1 day';
create or replace function days_earlier(value timestamp, days numeric) returns timestamp(0) immutable language sql
  return value - cast(days as double precision) * interval '1 day';
create or replace function joined(a text, b text) returns text immutable language sql
  return nullif(concat(a, b), '');`;

/** Adding a number to a DATE adds days; joining with NULL leaves the other text. */
const OPERATORS = [
  ['+', 'timestamp', 'numeric', 'days_later'],
  ['-', 'timestamp', 'numeric', 'days_earlier'],
  ['||', 'text', 'text', 'joined'],
] as const;

const upper = (column: string) => `cast(upper(${column}) as varchar) as`;

const DICTIONARY = `
create or replace view user_tables as
  select ${upper('table_name')} table_name, cast(null as varchar) as tablespace_name
  from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE';
create or replace view user_tab_columns as
  select ${upper('table_name')} table_name, ${upper('column_name')} column_name, ${upper('data_type')} data_type,
    character_maximum_length as char_length, cast(left(is_nullable, 1) as varchar) as nullable,
    ordinal_position as column_id
  from information_schema.columns where table_schema = 'public';
create or replace view user_sequences as
  select ${upper('sequence_name')} sequence_name from information_schema.sequences where sequence_schema = 'public';
create or replace view user_views as
  select ${upper('table_name')} view_name from information_schema.views where table_schema = 'public';
create or replace view user_indexes as
  select ${upper('indexname')} index_name, ${upper('tablename')} table_name from pg_indexes where schemaname = 'public';
create or replace view user_constraints as
  select ${upper('constraint_name')} constraint_name, ${upper('table_name')} table_name,
    cast(case constraint_type when 'FOREIGN KEY' then 'R' else left(constraint_type, 1) end as varchar) as constraint_type
  from information_schema.table_constraints where table_schema = 'public';
create or replace view user_objects as
  select table_name as object_name, cast('TABLE' as varchar) as object_type from user_tables
  union all select view_name, 'VIEW' from user_views
  union all select sequence_name, 'SEQUENCE' from user_sequences
  union all select index_name, 'INDEX' from user_indexes;`;

/** One text of several statements: as one transaction. */
export function installation(): string {
  const domains = Object.entries(DOMAINS).map(
    ([name, base]) =>
      `if to_regtype('${SCHEMA}.${name}') is null then create domain ${SCHEMA}.${name} as ${base}; end if;`,
  );
  const operators = OPERATORS.map(
    ([name, left, right, body]) =>
      `if to_regoperator('${SCHEMA}.${name}(${left},${right})') is null then
        create operator ${SCHEMA}.${name} (leftarg = ${left}, rightarg = ${right}, function = ${SCHEMA}.${body}); end if;`,
  );
  return `
select pg_advisory_xact_lock(${LOCK});
create schema if not exists ${SCHEMA};
comment on schema ${SCHEMA} is 'What outlive''s Oracle stand-in needs; may be dropped when none runs.';
set local search_path to ${SCHEMA}, pg_catalog, public;
create table if not exists dual (dummy varchar(1));
insert into dual select 'X' where not exists (select from dual);
do $$ begin ${domains.join('\n')} end $$;
${FUNCTIONS}
do $$ begin ${operators.join('\n')} end $$;
${DICTIONARY}`;
}
