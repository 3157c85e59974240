/** What the driver's documentation shows, done on the stand-in: types, binds, results, transactions. */
import oracledb from 'oracledb';
import { describe, expect, test } from 'vitest';
import { refusal, standInForTests } from './support.ts';

const OUT_NUMBER = { dir: oracledb.BIND_OUT, type: oracledb.NUMBER };
const OUT_STRING = { dir: oracledb.BIND_OUT, type: oracledb.STRING, maxSize: 100 };

for (const release of [19, 23] as const) {
  describe(`speaking as release ${release}`, () => {
    const under = standInForTests({ release, openCursors: 20 });
    const run = <Row = unknown[]>(sql: string, binds: oracledb.BindParameters = [], options = {}) =>
      under.connected((connection) => connection.execute<Row>(sql, binds, options));
    const one = async (sql: string, binds: oracledb.BindParameters = []) => (await run(sql, binds)).rows?.[0];

    test('values of every type come back as they went', async () => {
      await run(`create table kinds (n number, p number(9,2), v varchar2(40), c char(5), d date, ts timestamp(3),
        tz timestamp with time zone, r raw(20), bd binary_double, bf binary_float, l long, ym interval year to month,
        ds interval day to second)`);
      const day = new Date('2024-02-29T23:59:58.000Z');
      const moment = new Date('1999-12-31T12:34:56.789Z');
      const binds = {
        n: 1234567890.125,
        p: -0.75,
        v: 'Zoë 🙂',
        c: 'ab',
        d: day,
        ts: moment,
        tz: { val: moment, type: oracledb.DB_TYPE_TIMESTAMP_TZ },
        r: Buffer.from([0, 255, 7]),
        bd: { val: -1.5e-300, type: oracledb.DB_TYPE_BINARY_DOUBLE },
        bf: { val: 0.5, type: oracledb.DB_TYPE_BINARY_FLOAT },
        l: 'x'.repeat(50_000),
      };
      await run(
        `insert into kinds values (:n, :p, :v, :c, :d, :ts, :tz, :r, :bd, :bf, :l, interval '2-3' year to month, interval '4 05:06:07' day to second)`,
        binds,
        { autoCommit: true },
      );
      const { rows, metaData } = await run('select * from kinds');
      expect(metaData).toMatchObject([
        { name: 'N', dbTypeName: 'NUMBER', precision: 0, scale: -127 },
        { name: 'P', dbTypeName: 'NUMBER', precision: 9, scale: 2 },
        { name: 'V', dbTypeName: 'VARCHAR2', byteSize: 40 },
        { name: 'C', dbTypeName: 'CHAR', byteSize: 5 },
        { name: 'D', dbTypeName: 'DATE' },
        { name: 'TS', dbTypeName: 'TIMESTAMP', precision: 3 },
        { name: 'TZ', dbTypeName: 'TIMESTAMP WITH TIME ZONE', precision: 6 },
        { name: 'R', dbTypeName: 'RAW', byteSize: 2000 },
        { name: 'BD', dbTypeName: 'BINARY_DOUBLE' },
        { name: 'BF', dbTypeName: 'BINARY_FLOAT' },
        { name: 'L', dbTypeName: 'LONG' },
        { name: 'YM', dbTypeName: 'INTERVAL YEAR TO MONTH' },
        { name: 'DS', dbTypeName: 'INTERVAL DAY TO SECOND' },
      ]);
      expect(rows?.[0]?.slice(0, 11)).toEqual([
        binds.n,
        binds.p,
        binds.v,
        'ab   ',
        day,
        moment,
        moment,
        binds.r,
        -1.5e-300,
        0.5,
        binds.l,
      ]);
      expect(rows?.[0]?.[11]).toMatchObject({ years: 2, months: 3 });
      expect(rows?.[0]?.[12]).toMatchObject({ days: 4, hours: 5, minutes: 6, seconds: 7 });
    });

    test('a NUMBER keeps its digits', async () => {
      const texts = [
        '0',
        '1',
        '-1',
        '99',
        '100',
        '-100',
        '0.01',
        '-0.5',
        '1e-20',
        '-12345.6789',
        '123456789012345678901234567890',
      ];
      const options = { fetchTypeHandler: () => ({ type: oracledb.STRING }) };
      await under.connected(async (connection) => {
        for (const text of texts) {
          const { rows } = await connection.execute<[string]>('select to_number(:text) from dual', [text], options);
          expect(Number(rows?.[0]?.[0])).toBe(Number(text));
        }
      });
    });

    test('binds by position and by name, of every type and none', async () => {
      expect(await one('select :1, :2, :3 from dual', [1.5, 'x', null])).toEqual([1.5, 'x', null]);
      expect(await one('select :b || :a, :a from dual', { a: 'A', b: 'B' })).toEqual(['BA', 'A']);
      const moment = new Date('2020-05-17T10:00:00.000Z');
      expect(await one('select :d, :r from dual', { d: moment, r: Buffer.from('r') })).toEqual([
        moment,
        Buffer.from('r'),
      ]);
      expect(await one('select :n + 1, :m * :m from dual', { n: 1, m: 0.5 })).toEqual([2, 0.25]);
      expect((await refusal(run('select to_number(:1) from dual', ['abc']))).message).toContain(
        'ORA-01722: invalid number',
      );
    });

    test('a statement is executed again by its cursor, also when the types of its binds change', async () => {
      await under.connected(async (connection) => {
        for (const value of [1, 2, 'three', new Date(0), 4]) {
          expect((await connection.execute('select :1 from dual', [value])).rows).toEqual([[value]]);
        }
        expect(under.sessionOf(connection).openCursors).toBeLessThan(6);
      });
    });

    test('rows are fetched in pieces: result sets, streams, more than are kept in memory', async () => {
      const sql = `select level as n, rpad('x', 100, 'x') as filling from dual connect by level <= 1505`;
      await under.connected(async (connection) => {
        expect((await connection.execute(sql)).rows).toHaveLength(1505);
        const { resultSet } = await connection.execute<unknown[]>(sql, [], { resultSet: true, prefetchRows: 7 });
        expect(await resultSet?.getRows(10)).toHaveLength(10);
        expect((await resultSet?.getRow())?.[0]).toBe(11);
        expect((await resultSet?.getRows(0))?.length).toBe(1494);
        await resultSet?.close();
        const numbers: number[] = [];
        for await (const row of connection.queryStream<number[]>(sql, [], { fetchArraySize: 50 }))
          numbers.push(row[0]!);
        expect(numbers).toEqual(Array.from({ length: 1505 }, (_, i) => i + 1));
        expect((await connection.execute('select 1 from dual where 1 = 0')).rows).toEqual([]);
        const limited = await connection.execute(sql, [], { maxRows: 3, outFormat: oracledb.OUT_FORMAT_OBJECT });
        expect(limited.rows).toHaveLength(3);
        expect(limited.rows?.[2]).toMatchObject({ N: 3 });
      });
    });

    test('cursors that are never closed run out: ORA-01000', async () => {
      await under.connected(async (connection) => {
        const error = await refusal(
          (async () => {
            for (let i = 0; i < 30; i++) {
              await connection.execute(`select level as n${i} from dual connect by level <= 9`, [], {
                resultSet: true,
              });
            }
          })(),
        );
        expect(error.message).toContain('ORA-01000: maximum open cursors exceeded');
        expect(under.sessionOf(connection).openCursors).toBe(20);
      });
    });

    test('executeMany: row counts, batch errors, what RETURNING gives', async () => {
      await run('create table many (id number primary key, name varchar2(10) not null)');
      await under.connected(async (connection) => {
        const insert = 'insert into many values (:1, :2)';
        const result = await connection.executeMany(
          insert,
          [
            [1, 'a'],
            [2, 'b'],
            [3, 'c'],
          ],
          { dmlRowCounts: true },
        );
        expect(result).toMatchObject({ rowsAffected: 3, dmlRowCounts: [1, 1, 1] });
        const rows = [
          [4, 'd'],
          [1, 'again'],
          [5, 'e'],
          [6, null],
          [7, 'far too long a name'],
          [8, 'f'],
        ];
        const bindDefs = [{ type: oracledb.NUMBER }, { type: oracledb.STRING, maxSize: 100 }];
        const batch = await connection.executeMany(insert, rows, { batchErrors: true, dmlRowCounts: true, bindDefs });
        expect(
          batch.batchErrors?.map(({ offset, errorNum, message }) => [
            offset,
            errorNum ?? Number(/\d+/.exec(message)),
            message.split('\n')[0],
          ]),
        ).toMatchObject([
          [1, 1, expect.stringMatching(/ORA-00001: unique constraint \(APP.MANY_PKEY\) violated/)],
          [3, 1400, expect.stringMatching(/ORA-01400/)],
          [4, 12899, expect.stringMatching(/ORA-12899/)],
        ]);
        expect(batch).toMatchObject({ rowsAffected: 3, dmlRowCounts: [1, 0, 1, 0, 0, 1] });
        const update = 'update many set name = upper(name) where id <= :id returning id, name into :ids, :names';
        const changed = await connection.executeMany<{ ids: number[]; names: string[] }>(
          update,
          [{ id: 1 }, { id: 0 }, { id: 2 }],
          {
            bindDefs: { id: { type: oracledb.NUMBER }, ids: OUT_NUMBER, names: OUT_STRING },
          },
        );
        expect(changed.outBinds).toEqual(
          [
            { ids: [1], names: ['A'] },
            { ids: [], names: [] },
            { ids: [2, 1], names: ['B', 'A'] },
          ].map(({ ids, names }) => ({ ids: expect.arrayContaining(ids), names: expect.arrayContaining(names) })),
        );
        // what succeeded before an error stays, as in Oracle
        expect(
          (
            await refusal(
              connection.executeMany(insert, [
                [20, 'x'],
                [1, 'y'],
                [21, 'z'],
              ]),
            )
          ).message,
        ).toContain('ORA-00001');
        expect((await connection.execute('select id from many where id >= 20')).rows).toEqual([[20]]);
      });
    });

    test('an error undoes its statement and nothing else; close() without commit rolls back', async () => {
      await run('create table ledger (id number primary key)');
      await under.connected(async (connection) => {
        await connection.execute('insert into ledger values (1)');
        expect((await refusal(connection.execute('insert into ledger values (1)'))).message).toContain('ORA-00001');
        await refusal(connection.execute('select nothing from ledger'));
        await connection.execute('insert into ledger values (2)');
        await connection.execute('savepoint here');
        await connection.execute('insert into ledger values (3)');
        await connection.execute('rollback to here');
        expect(connection.transactionInProgress).toBe(true);
        await connection.commit();
        expect(connection.transactionInProgress).toBe(false);
        await connection.execute('insert into ledger values (4)');
      });
      await run('insert into ledger values (5)', [], { autoCommit: true });
      expect((await run('select id from ledger order by id')).rows).toEqual([[1], [2], [5]]);
    });

    test('RETURNING INTO, MERGE, FOR UPDATE, identity and sequences', async () => {
      await run(
        `create table orders (id number generated by default on null as identity primary key, ref varchar2(10) unique, total number(9,2))`,
      );
      await run('create sequence order_refs start with 100');
      await under.connected(async (connection) => {
        const insert = `insert into orders (ref, total) values ('R' || order_refs.nextval, :total) returning id, ref into :id, :ref`;
        const first = await connection.execute(insert, { total: 5, id: OUT_NUMBER, ref: OUT_STRING });
        expect(first.outBinds).toEqual({ id: [1], ref: ['R100'] });
        const merge = `merge into orders o using (select :ref as ref, :total as total from dual) s on (o.ref = s.ref)
          when matched then update set o.total = o.total + s.total when not matched then insert (o.ref, o.total) values (s.ref, s.total)`;
        await connection.execute(merge, { ref: 'R100', total: 1.5 });
        await connection.execute(merge, { ref: 'NEW', total: 9 });
        expect((await connection.execute('select ref, total from orders order by id')).rows).toEqual([
          ['R100', 6.5],
          ['NEW', 9],
        ]);
        await connection.commit();
        await connection.execute('select * from orders where id = :1 for update', [1]);
        expect(connection.transactionInProgress).toBe(true);
        await under.connected(async (other) => {
          const busy = await refusal(other.execute('select * from orders for update nowait'));
          expect(busy.message).toContain('ORA-00054');
          expect((await other.execute('select ref from orders for update skip locked')).rows).toEqual([['NEW']]);
        });
      });
    });

    test('LOBs: as strings and buffers, as streams, as temporary ones', async () => {
      await run('create table documents (id number, body clob, scan blob)');
      const body = 'Straße 🙂 '.repeat(9000);
      const scan = Buffer.alloc(100_000, 'scan');
      await run('insert into documents values (1, :body, :scan)', { body, scan }, { autoCommit: true });
      await run('insert into documents values (2, null, null)', [], { autoCommit: true });
      await under.connected(async (connection) => {
        const fetchInfo = { BODY: { type: oracledb.STRING }, SCAN: { type: oracledb.BUFFER } };
        const sql = 'select body, scan from documents order by id';
        for (const _ of [1, 2]) {
          expect((await connection.execute(sql, [], { fetchInfo })).rows).toEqual([
            [body, scan],
            [null, null],
          ]);
        }
        const { rows } = await connection.execute<[oracledb.Lob, oracledb.Lob]>(sql);
        const [clob, blob] = rows![0]!;
        expect(clob.length).toBe(body.length);
        let read = '';
        clob.setEncoding('utf8');
        for await (const piece of clob) read += piece;
        expect(read).toBe(body);
        expect(await blob.getData()).toEqual(scan);
        await connection.execute('insert into documents (id, body) values (4, empty_clob())');
        const row = await connection.execute<{ lob: [oracledb.Lob] }>(
          'update documents set body = body where id = 1 returning body into :lob',
          { lob: { dir: oracledb.BIND_OUT, type: oracledb.CLOB } },
        );
        // a text that would reach no row must not seem to be written
        const written = new Promise((resolve, reject) => {
          row.outBinds?.lob[0].once('finish', resolve).once('error', reject).end('lost');
        });
        expect((await refusal(written)).message).toContain(
          'ORA-22920: row containing the LOB value is not locked: the stand-in writes no LOB through the locator of a row',
        );
        await connection.rollback();
        const temporary = await connection.createLob(oracledb.CLOB);
        await new Promise<void>((resolve, reject) => {
          temporary.once('finish', resolve).once('error', reject);
          temporary.write('by and ');
          temporary.end('by');
        });
        await connection.execute('insert into documents (id, body) values (3, :lob)', { lob: temporary });
        await temporary.close();
        expect((await connection.execute('select body from documents where id = 3', [], { fetchInfo })).rows).toEqual([
          ['by and by'],
        ]);
      });
    });

    test('ROWID: of what was inserted, and as a condition', async () => {
      await run('create table places (id number, name varchar2(10))');
      await under.connected(async (connection) => {
        const rid = { dir: oracledb.BIND_OUT, type: oracledb.STRING, maxSize: 18 };
        const { outBinds } = await connection.executeMany<[[string], [number]]>(
          'insert into places values (:1, :2) returning rowid, id into :3, :4',
          [
            [1, 'here'],
            [2, 'there'],
          ],
          {
            bindDefs: [{ type: oracledb.NUMBER }, { type: oracledb.STRING, maxSize: 10 }, rid, OUT_NUMBER],
          },
        );
        const [[first], [second]] = [outBinds![0]![0], outBinds![1]![0]];
        expect([first, second]).toEqual([expect.stringMatching(/^[\w+/]{18}$/), expect.stringMatching(/^[\w+/]{18}$/)]);
        const found = await connection.execute('select p.name, p.rowid from places p where rowid = :r', [second]);
        expect(found.metaData?.map(({ name }) => name)).toEqual(['NAME', 'ROWID']);
        expect(found.rows).toEqual([['there', second]]);
      });
    });

    test('columns without an alias are called by their text', async () => {
      const { rows } = await run(`select count(*), sysdate - sysdate, d.* from dual d group by dummy`, [], {
        outFormat: oracledb.OUT_FORMAT_OBJECT,
      });
      expect(Object.keys(rows![0] as object)).toEqual(['COUNT(*)', 'SYSDATE-SYSDATE', 'DUMMY']);
    });

    test('a session has the time zone that it asks for, as an offset or a region', async () => {
      const moment = new Date('2000-07-01T12:00:00.000Z');
      const sql = `select to_char(cast(:t as timestamp with time zone), 'HH24:MI'), sessiontimezone from dual`;
      await under.connected(async (connection) => {
        for (const [zone, hour] of [
          ['+05:30', '17:30'],
          ['America/Chicago', '07:00'],
          ['UTC', '12:00'],
        ]) {
          await connection.execute(`alter session set time_zone = '${zone}'`);
          const t = { val: moment, type: oracledb.DB_TYPE_TIMESTAMP_TZ };
          expect((await connection.execute(sql, { t })).rows).toEqual([[hour, zone]]);
          const back = await connection.execute('select cast(:t as timestamp with time zone) from dual', { t });
          expect(back.rows).toEqual([[moment]]);
        }
        const unknown = await refusal(connection.execute(`alter session set time_zone = 'Mars/Olympus'`));
        expect(unknown.message).toContain('ORA-01882: timezone region not found: Mars/Olympus');
      });
    });

    test('calls that are not carried out are refused, and the session goes on', async () => {
      await under.connected(async (connection) => {
        const queue = await connection.getQueue('JOBS');
        const xid = { formatId: 1, globalTransactionId: 'global', branchQualifier: 'branch' };
        for (const [call, what] of [
          [() => queue.enqOne('job'), 'advanced queueing'],
          [
            () => (connection as unknown as { tpcBegin(xid: object): Promise<void> }).tpcBegin(xid),
            'two-phase and sessionless transactions',
          ],
          [() => connection.changePassword('app', under.credentials.password, 'new'), 'new passwords'],
        ] as const) {
          expect((await refusal(call())).message).toContain(
            `ORA-03001: unimplemented feature: the stand-in knows no ${what}`,
          );
          expect((await connection.execute('select 1 from dual')).rows).toEqual([[1]]);
        }
      });
    });

    test('PL/SQL blocks in a straight line: assignments, SELECT INTO, REF CURSOR, DBMS_OUTPUT, exceptions', async () => {
      await under.connected(async (connection) => {
        const block = `begin
          :sum := :a + :b;
          select 'x' || :a into :text from dual;
          :a := :a * 10;
        end;`;
        const binds = {
          sum: OUT_NUMBER,
          b: 2,
          text: OUT_STRING,
          a: { dir: oracledb.BIND_INOUT, type: oracledb.NUMBER, val: 40 },
        };
        for (const _ of [1, 2]) {
          expect((await connection.execute(block, binds)).outBinds).toEqual({ sum: 42, text: 'x40', a: 400 });
        }
        const opened = await connection.execute<{ c: oracledb.ResultSet<unknown[]> }>(
          `begin open :c for select level from dual connect by level <= :n; end;`,
          { c: { dir: oracledb.BIND_OUT, type: oracledb.CURSOR }, n: 205 },
        );
        expect(await opened.outBinds?.c.getRows()).toHaveLength(205);
        await opened.outBinds?.c.close();
        await connection.execute(`begin dbms_output.enable(null); dbms_output.put_line('hello'); end;`);
        const line = `begin dbms_output.get_line(:line, :status); end;`;
        expect((await connection.execute(line, { line: OUT_STRING, status: OUT_NUMBER })).outBinds).toEqual({
          line: 'hello',
          status: 0,
        });
        const drop = `begin execute immediate 'drop table not_there'; exception when others then if sqlcode <> -942 then raise; end if; end;`;
        await connection.execute(drop);
        const raise = await refusal(connection.execute(`begin raise_application_error(-20001, 'so it is'); end;`));
        expect(raise.message).toContain('ORA-20001: so it is');
        const nothing = await refusal(
          connection.execute(`begin select 1 into :x from dual where 1 = 0; end;`, { x: OUT_NUMBER }),
        );
        expect(nothing.message).toContain('ORA-01403');
      });
    });

    test('errors say what and where, as Oracle does', async () => {
      expect(await refusal(run('select 1 from nowhere'))).toMatchObject({ errorNum: 942, offset: 14 });
      expect(await refusal(run('select nothing from dual'))).toMatchObject({ errorNum: 904, offset: 7 });
      expect(await refusal(run('select 1 from'))).toMatchObject({ errorNum: 933 });
      expect(await refusal(run('select 1/0 from dual'))).toMatchObject({ errorNum: 1476 });
      expect(await refusal(run('grant dba to me'))).toMatchObject({
        errorNum: 900,
        message: expect.stringContaining('ORA-00900: invalid SQL statement: the stand-in knows no GRANT'),
      });
    });

    test('a statement can be described without being run', async () => {
      await under.connected(async (connection) => {
        const info = await connection.getStatementInfo('select 1 as a, dummy from dual where 1 = :x');
        expect(info).toMatchObject({ bindNames: ['X'], statementType: oracledb.STMT_TYPE_SELECT });
        expect(info.metaData?.map(({ name }) => name)).toEqual(['A', 'DUMMY']);
      });
    });

    test('sessions see themselves and each other in v$session, and what they say of themselves', async () => {
      await under.connected(async (first) => {
        first.module = 'billing';
        first.action = 'close month';
        first.clientId = 'ada';
        await first.ping();
        await under.connected(async (second) => {
          const { rows } = await second.execute(
            `select s.sid, s.serial#, s.module, s.action, s.client_identifier, s.status, p.spid
             from v$session s join v$process p on p.addr = s.paddr where s.username = :u order by s.client_identifier`,
            ['APP'],
          );
          const known = [under.sessionOf(first), under.sessionOf(second)];
          expect(rows).toEqual([
            [known[0]?.sid, known[0]?.serial, 'billing', 'close month', 'ada', 'INACTIVE', String(known[0]?.backend)],
            [known[1]?.sid, known[1]?.serial, expect.any(String), null, null, 'ACTIVE', String(known[1]?.backend)],
          ]);
          const limits = `select current_utilization, trim(limit_value) from v$resource_limit where resource_name = 'sessions'`;
          expect((await second.execute(limits)).rows).toEqual([[2, '150']]);
          expect((await second.execute(`select sys_context('USERENV', 'SID') from dual`)).rows).toEqual([
            [String(known[1]?.sid)],
          ]);
          expect((await second.execute(`select banner from v$version`)).rows?.[0]).toEqual([
            expect.stringContaining('not an Oracle Database'),
          ]);
        });
      });
    });
  });
}
