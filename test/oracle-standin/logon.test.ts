/** The unmodified driver logs on, with every way in which a password is kept and both releases; and is turned away. */
import oracledb from 'oracledb';
import { describe, expect, test } from 'vitest';
import { readDataTypes, writeDataTypes } from '../../oracle-standin/logon/messages.ts';
import { Reader } from '../../oracle-standin/wire/reader.ts';
import { Writer } from '../../oracle-standin/wire/writer.ts';
import { until } from '../support/until.ts';
import { refusal, standInForTests } from './support.ts';

describe('the negotiation of types', () => {
  const capabilities = (knowsZones: boolean) => {
    const compile = Buffer.alloc(53);
    const runtime = Buffer.from([2, knowsZones ? 1 : 0, 0, 0, 0, 0, 0]);
    const types = Buffer.from([0, 1, 0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0]);
    const zone = Buffer.alloc(knowsZones ? 11 : 0, 1);
    return Buffer.concat([Buffer.alloc(5), Buffer.from([53]), compile, Buffer.from([7]), runtime, zone, types]);
  };

  test.each([
    ['of a driver since 26, which asks for the time zone', true, 14],
    ['of an older driver, which would take a time zone for types', false, 3],
  ])('%s', (_, knowsZones, length) => {
    const reader = new Reader(capabilities(knowsZones));
    expect(readDataTypes(reader)).toBe(knowsZones);
    expect(reader.left).toBe(0);
    const writer = new Writer();
    writeDataTypes(writer, knowsZones);
    expect(writer.length).toBe(length);
  });
});

for (const release of [19, 23] as const) {
  for (const verifier of ['11G', '12C'] as const) {
    describe(`release ${release} with a ${verifier} verifier`, () => {
      const under = standInForTests({ release, verifier });

      test('lets in who has the password, and nobody else', async () => {
        const { credentials, standIn } = under;
        const connection = await oracledb.getConnection({ ...credentials, user: 'App' });
        expect(connection.oracleServerVersionString).toBe(release === 19 ? '19.21.0.0.0' : '23.4.0.0.0');
        expect(connection.serviceName).toBe('STANDIN');
        expect((await connection.execute(`select user from dual`)).rows).toEqual([['APP']]);
        await connection.close();
        for (const wrong of [{ password: `${credentials.password}!` }, { user: 'somebody' }]) {
          const error = await refusal(oracledb.getConnection({ ...credentials, ...wrong }));
          expect(error.message).toContain('ORA-01017: invalid username/password; logon denied');
        }
        await until('every connection to end', () => standIn.connections() === 0);
      });
    });
  }
}

describe('a listener', () => {
  const under = standInForTests({ sessions: 3, sessionsPerUser: 2, processes: 5 });
  const connect = (changes: object = {}) => oracledb.getConnection({ ...under.credentials, ...changes });

  test('knows its service and no other', async () => {
    const at = `127.0.0.1:${under.standIn.port}`;
    expect((await refusal(connect({ connectString: `${at}/OTHER` }))).message).toContain('NJS-518');
    const sid = `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=${under.standIn.port}))(CONNECT_DATA=(SID=XE)))`;
    expect((await refusal(connect({ connectString: sid }))).message).toContain('NJS-519');
    const long = `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=${under.standIn.port}))(CONNECT_DATA=(SERVICE_NAME=STANDIN)(FILLING=${'x'.repeat(300)})))`;
    await (await connect({ connectString: long })).close();
  });

  test('knows no proxy users', async () => {
    const proxy = await refusal(connect({ user: 'app[other]' }));
    expect(proxy.message).toContain(
      'ORA-28150: proxy not authorized to connect as client: the stand-in knows no other',
    );
  });

  test('keeps to the limits of sessions: ORA-02391, then room again', async () => {
    const connections = [await connect(), await connect()];
    expect((await refusal(connect())).message).toContain('ORA-02391: exceeded simultaneous SESSIONS_PER_USER limit');
    await connections[0]?.close();
    await until('the session to end', () => under.standIn.sessions().length === 1);
    connections.push(await connect());
    await Promise.all(connections.slice(1).map((connection) => connection.close()));
  });

  test('that is muted is no listener: ECONNREFUSED, and sessions stay', async () => {
    await under.connected(async (connection) => {
      under.standIn.stopListening();
      expect((await refusal(connect())).message).toContain('NJS-503');
      expect((await connection.execute('select 1 from dual')).rows).toEqual([[1]]);
      await under.standIn.listen();
      await (await connect()).close();
    });
  });
});

describe('a database with few sessions', () => {
  const under = standInForTests({ sessions: 1, processes: 2 });

  test('refuses more than SESSIONS with ORA-00018, and the listener more than PROCESSES with ORA-12516', async () => {
    await under.connected(async () => {
      const { credentials, standIn } = under;
      expect((await refusal(oracledb.getConnection(credentials))).message).toContain('ORA-00018');
      await until('1 connection', () => standIn.connections() === 1);
      const hung = standIn.fault({ at: 'protocol', do: 'hang' });
      const waiting = refusal(oracledb.getConnection(credentials));
      await until('2 connections', () => standIn.connections() === 2);
      expect((await refusal(oracledb.getConnection(credentials))).message).toMatch(/NJS-511[\s\S]*ORA-12516/);
      const dedicated = `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=${standIn.port}))(CONNECT_DATA=(SERVICE_NAME=STANDIN)(SERVER=DEDICATED)))`;
      const error = await refusal(oracledb.getConnection({ ...credentials, connectString: dedicated }));
      expect(error.message).toContain('ORA-12520');
      hung();
      standIn.drop('end');
      await waiting;
    });
  });
});
