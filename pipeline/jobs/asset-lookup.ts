/** Enrichment: what the inventory knows about the resources that records are about. */
import type { CloudRecord } from '../records/record.ts';
import { type LookUp, lookUp } from '../store/look-up.ts';
import type { ConnectionPool } from '../store/store.ts';

export interface Asset {
  type: string;
  region: string;
  /** From the resource's `Owner` tag. */
  owner: string | null;
}

type Subject = Pick<CloudRecord, 'tenant' | 'resource'>;

/** Of one record. */
export type LookUpAsset = (record: CloudRecord, pool: ConnectionPool) => Promise<Asset | null>;

/** Of many records at once. Gives what is known of each, in their order. */
export async function lookUpAssets(records: readonly Subject[], pool: ConnectionPool): Promise<(Asset | null)[]> {
  const wanted = new Map<string, string[]>();
  for (const record of records) {
    for (const { tenant, resource } of subjectsOf(record)) wanted.set(keyOf({ tenant, resource }), [tenant, resource]);
  }
  const found = new Map<string, Asset>();
  const keys = [...wanted.values()];
  if (keys.length === 0) return records.map(() => null);
  const connection = await pool.acquire();
  try {
    for (const { tenant, resource, ...asset } of await lookUp<Row>(connection, ASSETS, keys)) {
      found.set(keyOf({ tenant, resource }), asset);
    }
  } finally {
    connection.release();
  }
  return records.map((record) => {
    const known = subjectsOf(record).map((subject) => found.get(keyOf(subject)));
    return known.find((asset) => asset !== undefined) ?? null;
  });
}

/** OCI's answers do not name the tenancy of a compartment, and its ids are unique in the world. */
function subjectsOf({ tenant, resource }: Subject): { tenant: string; resource: string }[] {
  if (resource === null) return [];
  const own = { tenant, resource };
  return resource.startsWith('ocid1.') && tenant !== 'unknown' ? [own, { tenant: 'unknown', resource }] : [own];
}

type Row = Asset & { tenant: string; resource: string };

const ASSETS: LookUp = {
  select: 'select tenant, "resource", type, region, owner from assets',
  key: { tenant: 'text', '"resource"': 'text' },
};

function keyOf({ tenant, resource }: Subject): string {
  return `${tenant}\n${resource}`;
}
