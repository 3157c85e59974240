/** What both variants of the job are made of. Loaded anew in the native context of each of its runs. */
import { createPool, type Pool } from 'generic-pool';
import { Client } from 'pg';

/** What a job brings along: some 3 MB, which every native context has of its own. */
const RULES = Array.from({ length: 2000 }, (_, number) => ({
  id: `rule-${number}`,
  applies: (n: number) => n % 7 === number % 7,
}));
const FEED = new Map(
  Array.from({ length: Number(process.env.INCIDENT_FEED ?? 20_000) }, (_, n) => [
    `198.${n % 254}.${(n >> 4) % 254}.${n % 16}/${n}`,
    { seen: n, source: `feed ${n % 9}` },
  ]),
);

/** What the look-up of the tenants' owners needs. */
export interface Needs {
  url: string;
  tenants: string[];
}

type OwnersOf = (needs: Needs) => Promise<string[]>;

interface Submitted extends Needs {
  /** Where owners are looked up: while the job is planned, or by its lane. */
  lookUp: 'planning' | 'lane';
}

interface Planned {
  owners: string[] | null;
  needs: Needs;
}

/** The driver's pool looks after its idle connections by a timer of its own, until it is drained. */
export function openPool(url: string): Pool<Client> {
  const create = async () => {
    const client = new Client({ connectionString: url, application_name: `job of ${RULES.length} rules` });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  return createPool({ create, destroy: (client) => client.end() }, { max: 8, evictionRunIntervalMillis: 1000 });
}

/** Insists on an owner, whom the job's results are to be sent to. */
export function mustHaveOwner(owner: string | null | undefined, tenant: string): string {
  if (!owner) throw new Error(`tenant ${tenant} has no owner`);
  return owner;
}

/** All is read once more by a lane; here it is only planned. */
export const planBy = (ownersOf: OwnersOf) => async (submitted: Submitted) => {
  const owners = submitted.lookUp === 'planning' ? await ownersOf(submitted) : null;
  return { parallelism: 1, options: { owners, needs: submitted } satisfies Planned };
};

/** On a task manager. */
export const runBy =
  (ownersOf: OwnersOf) =>
  async ({ options }: { options: Planned }) => {
    const { length } = options.owners ?? (await ownersOf(options.needs));
    const hits = RULES.filter(({ applies }) => applies(length)).length;
    return { lanes: 1, hits, addresses: FEED.size };
  };
