/**
 * Which tenancy a compartment of OCI is in. What OCI answers about a resource does not say; events of Audit name both, and
 * lists of compartments what each is part of. Until one of them has been read the tenant stays `unknown`.
 */
import { tenancyOf } from '../records/oci-audit.ts';
import type { CloudRecord } from '../records/record.ts';
import { type LookUp, lookUp } from '../store/look-up.ts';
import type { Connection, ConnectionPool } from '../store/store.ts';
import { insertNew } from '../store/upsert.ts';

/** Keeps what the records tell. A compartment may be moved, but never to another tenancy: the first word counts. */
export async function saveCompartments(records: readonly CloudRecord[], transaction: Connection): Promise<void> {
  const parents = new Map(records.flatMap(parentIn));
  // in one order everywhere, so that two ingests do not deadlock
  await transaction.executeMany(SAVE, [...parents].sort());
}

function parentIn({ source, name, tenant, compartment, resource }: CloudRecord): [string, string][] {
  if (compartment === null) return [];
  if (name === LISTED) return resource?.startsWith('ocid1.compartment.') ? [[resource, compartment]] : [];
  const isNamed = source === 'oci-audit' && tenancyOf(tenant) !== null && tenancyOf(compartment) === null;
  return isNamed ? [[compartment, tenant]] : [];
}

const LISTED = 'oci:compartments';

/** The records, with the tenant of those that only name a compartment, as far as it is known. */
export async function withTenancies(records: readonly CloudRecord[], pool: ConnectionPool): Promise<CloudRecord[]> {
  const unknown = records.filter(({ tenant, compartment }) => tenant === 'unknown' && compartment !== null);
  if (unknown.length === 0) return [...records];
  const tops = await topsOf(new Set(unknown.map(({ compartment }) => compartment!)), pool);
  return records.map((record) => {
    const tenancy = record.tenant === 'unknown' ? tenancyOf(tops.get(record.compartment ?? '')) : null;
    return tenancy === null ? record : { ...record, tenant: tenancy };
  });
}

/** Compartments stand within each other up to six levels deep. */
const DEEPEST = 7;

/** Of each compartment the outermost thing that is known to hold it. */
async function topsOf(compartments: ReadonlySet<string>, pool: ConnectionPool): Promise<Map<string, string>> {
  const tops = new Map([...compartments].map((id) => [id, id]));
  const connection = await pool.acquire();
  try {
    for (let level = 0; level < DEEPEST; level++) {
      const open = [...new Set(tops.values())].filter((top) => tenancyOf(top) === null);
      const parents = await parentsOf(open, connection);
      if (parents.size === 0) break;
      for (const [id, top] of tops) tops.set(id, parents.get(top) ?? top);
    }
  } finally {
    connection.release();
  }
  return tops;
}

async function parentsOf(ids: readonly string[], connection: Connection): Promise<Map<string, string>> {
  const keys = ids.map((id) => [id]);
  const rows = await lookUp<{ id: string; parent: string }>(connection, PARENTS, keys);
  return new Map(rows.map(({ id, parent }) => [id, parent]));
}

const SAVE = insertNew('compartments', { id: 'text' }, { parent: 'text' });

const PARENTS: LookUp = { select: 'select id, parent from compartments', key: { id: 'text' } };
