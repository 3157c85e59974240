/** Which reporting region each tenant's results go to. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { UserError } from '../../user-error.ts';
import { isFields } from '../records/fields.ts';

/** `eu`, `jp-tokyo-1`: it becomes part of a table's name. */
export type Region = string;

export const DEFAULT_REGION: Region = 'us';

const NAME = /^[a-z][a-z0-9-]{0,39}$/;

export class Regions {
  readonly #default: Region;
  readonly #tenants: ReadonlyMap<string, Region>;

  /** `otherwise` is for tenants that are not listed. */
  constructor(otherwise: Region, tenants: Iterable<readonly [string, Region]> = []) {
    this.#default = otherwise;
    this.#tenants = new Map(tenants);
  }

  /** Every region that something may be reported to, in order. */
  get all(): Region[] {
    return [...new Set([this.#default, ...this.#tenants.values()])].sort();
  }

  /** A compartment's region goes before its tenancy's. */
  of({ tenant, compartment }: { tenant: string; compartment?: string | null }): Region {
    return (compartment && this.#tenants.get(compartment)) || (this.#tenants.get(tenant) ?? this.#default);
  }
}

export function isRegion(name: unknown): name is Region {
  return typeof name === 'string' && NAME.test(name);
}

export const REGION_RULE = 'a letter, then up to 39 small letters, digits and hyphens';

/**
 * Reads a YAML file: `default: us`, and under `tenants` a region for each tenant or compartment (quote account numbers).
 * Throws `UserError` when it is anything else.
 */
export async function loadRegions(file: string): Promise<Regions> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`The tenants file ${file} cannot be read (${error.code}).`);
  });
  const known = (region: unknown): Region => {
    if (isRegion(region)) return region;
    throw new UserError(`${file}: "${region}" is no name of a reporting region, which is ${REGION_RULE}.`);
  };
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new UserError(`${file}: not valid YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  if (!isFields(content) || !isFields(content.tenants ?? {})) {
    throw new UserError(`${file}: needs "default: REGION" and "tenants:" with a region for each tenant.`);
  }
  const tenants = Object.entries(content.tenants ?? {}).map(([tenant, region]) => [tenant, known(region)] as const);
  return new Regions(known(content.default), tenants);
}
