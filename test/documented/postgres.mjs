import postgres from 'postgres';
import { errorOf, ownOf } from './outcomes.mjs';

const options = { max: 2, onnotice: () => {} };

export async function open() {
  const sql = postgres(process.env.PG_URL, options);
  await sql`create table if not exists postgres_notes (id int, text varchar(20))`;
  await sql`truncate postgres_notes`;
  return { sql };
}

export async function close() {}

export const documented = {
  'rows, with what came along': async ({ sql }) => {
    const rows = await sql`select ${1}::int as a, ${'x'} as b`;
    return [[...rows], rows.count, rows.command, rows.columns.map(({ name }) => name)];
  },
  'names and arities': ({ sql }) => [sql, sql.begin, sql.reserve, sql.end, sql.listen, sql.unsafe, sql.file],
  'own properties of sql': ({ sql }) => ownOf(sql),
  'helpers: columns, lists, identifiers, fragments': async ({ sql }) => {
    await sql`insert into postgres_notes ${sql([
      { id: 1, text: 'a' },
      { id: 2, text: 'b' },
    ])}`;
    const only = sql`where id in ${sql([1, 2])}`;
    return [...(await sql`select ${sql(['id', 'text'])} from ${sql('postgres_notes')} ${only} order by 1`)];
  },
  'an error has its code': async ({ sql }) => {
    const { name, code, severity, query } = await errorOf(() => sql`selekt`);
    return [name, code, severity, query];
  },
  'a query is lazy, and a promise once': async ({ sql }) => {
    const query = sql`select 1 as a`;
    return [query.constructor.name, [...(await query)], [...(await query)]];
  },
  'simple, values, raw, describe': async ({ sql }) => [
    [...(await sql`select 1 as a, 2 as b`.values())],
    (await sql`select 1 as a`.raw()).length,
    (await sql`select ${1}::int as a`.describe()).columns.map(({ name }) => name),
    (await sql`select 1; select 2`.simple()).length,
  ],
  cursors: async ({ sql }) => {
    const seen = [];
    for await (const rows of sql`select * from generate_series(1, 5) n`.cursor(2)) seen.push(rows.map(({ n }) => n));
    await sql`select * from generate_series(1, 5) n`.cursor(2, ([{ n }]) => {
      seen.push(n);
      return sql.CLOSE;
    });
    return seen;
  },
  'a cursor that is left early': async ({ sql }) => {
    for await (const [{ n }] of sql`select * from generate_series(1, 500) n`.cursor(1)) if (n === 2) break;
    return [...(await sql`select 1 as a`)];
  },
  forEach: async ({ sql }) => {
    const seen = [];
    const { count } = await sql`select * from generate_series(1, 3) n`.forEach(({ n }) => {
      seen.push(n);
    });
    return [seen, count];
  },
  'begin commits and gives what its function gives': async ({ sql }) =>
    sql.begin(async (own) => {
      await own`insert into postgres_notes values (3, 'c')`;
      return [typeof own.savepoint, own === sql, typeof own.begin];
    }),
  'begin rolls back': async ({ sql }) => {
    const error = await errorOf(() =>
      sql.begin(async (own) => {
        await own`delete from postgres_notes`;
        throw new TypeError('no');
      }),
    );
    return [error, [...(await sql`select count(*)::int as n from postgres_notes`)]];
  },
  'begin with options and with an array': async ({ sql }) => {
    const results = await sql.begin('read only', (own) => [own`select 1 as a`, own`show transaction_read_only`]);
    return results.map((rows) => [...rows]);
  },
  savepoints: async ({ sql }) =>
    sql.begin(async (own) => {
      await own`delete from postgres_notes`;
      await own`insert into postgres_notes values (4, 'd')`;
      const failed = await own
        .savepoint(async (inner) => {
          await inner`insert into postgres_notes values (5, 'e')`;
          throw new RangeError('back');
        })
        .catch((error) => error.message);
      const kept = await own.savepoint('named', async (inner) => (await inner`select 7 as n`)[0].n);
      return [failed, kept, [...(await own`select id from postgres_notes`)], own.savepoint];
    }),
  'an error that was caught in a transaction fails it': async ({ sql }) => {
    const { code } = await errorOf(() =>
      sql.begin(async (own) => {
        await own`selekt`.catch(() => {});
        return 'done';
      }),
    );
    return code;
  },
  reserve: async ({ sql }) => {
    const reserved = await sql.reserve();
    const [{ a }] = await reserved`select 1 as a`;
    const names = [reserved, reserved.release, reserved.unsafe, ownOf(reserved)];
    return [a, names, reserved.release()];
  },
  'reserved ones are other connections': async ({ sql }) => {
    const reserved = [await sql.reserve(), await sql.reserve()];
    const pids = await Promise.all(reserved.map(async (own) => (await own`select pg_backend_pid() as pid`)[0].pid));
    const waiting = sql.reserve();
    for (const own of reserved) own.release();
    (await waiting).release();
    return pids[0] !== pids[1];
  },
  'listen, notify, unlisten': async ({ sql }) => {
    const heard = Promise.withResolvers();
    const { unlisten } = await sql.listen('news', heard.resolve);
    await sql.notify('news', 'hello');
    const said = await heard.promise;
    await unlisten();
    return said;
  },
  'unsafe and parameters': async ({ sql }) => [...(await sql.unsafe('select $1::int as a', [3]))],
  'json, arrays, dates and types': async ({ sql }) => [
    ...(await sql`select ${sql.json({ a: 1 })} as j, ${sql.array([1, 2])}::int[] as l, '2020-01-01'::timestamptz as d`),
  ],
  transform: async () => {
    const sql = postgres(process.env.PG_URL, { ...options, transform: postgres.camel });
    const rows = [...(await sql`select 1 as first_name`)];
    await sql.end();
    return rows;
  },
  cancel: async ({ sql }) => {
    const query = sql`select pg_sleep(20)`.execute();
    setTimeout(() => query.cancel(), 300);
    return (await errorOf(() => query)).code;
  },
  'an ended one refuses': async ({ sql }) => {
    await sql.end();
    return (await errorOf(() => sql`select 1`)).code;
  },
};
