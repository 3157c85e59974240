/** A logon that ends: the driver's own time-out covers only the time until the listener has accepted. */
import oracledb from 'oracledb';
import type { OracleAddress } from './oracle-address.ts';

/** Rejects with what the driver says, or when there is no logon within `limit`, milliseconds. */
export function logOn(address: OracleAddress, program: string, limit: number): Promise<oracledb.Connection> {
  return new Promise((resolve, reject) => {
    const seconds = Math.ceil(limit / 1000);
    let isLate = false;
    const timer = setTimeout(
      () => {
        isLate = true;
        reject(new Error(`no logon within ${seconds} s`));
      },
      seconds * 1000 + 500,
    ); // the driver's own time-out says more, so it comes first
    oracledb
      .getConnection({ ...address, program, connectTimeout: seconds })
      .then((connection) => (isLate ? connection.close() : resolve(connection)))
      .catch(reject)
      .finally(() => clearTimeout(timer));
  });
}
