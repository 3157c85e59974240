/** Enrichment: what the inventory knows about the resource that a record is about. */
import type { CloudRecord } from '../records/record.ts';
import type { ConnectionPool } from '../store/store.ts';

export interface Asset {
  type: string;
  region: string;
  /** From the resource's `Owner` tag. */
  owner: string | null;
}

export type LookUpAsset = (record: CloudRecord, pool: ConnectionPool) => Promise<Asset | null>;

export async function lookUpAsset(record: CloudRecord, pool: ConnectionPool): Promise<Asset | null> {
  const connection = await pool.acquire();
  try {
    const rows = await connection.query<Asset>(
      'SELECT type, region, owner FROM assets WHERE tenant = $1 AND "resource" = $2',
      [record.tenant, record.resource],
    );
    return rows[0] ?? null;
  } finally {
    connection.release();
  }
}
