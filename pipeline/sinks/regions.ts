/** Which reporting region each tenant's results go to. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { UserError } from '../../user-error.ts';
import { isFields } from '../records/fields.ts';

export const REGIONS = ['eu', 'us', 'apac'] as const;
export type Region = (typeof REGIONS)[number];

export class Regions {
  readonly #default: Region;
  readonly #tenants: ReadonlyMap<string, Region>;

  /** `otherwise` is for tenants that are not listed. */
  constructor(otherwise: Region, tenants: Iterable<readonly [string, Region]> = []) {
    this.#default = otherwise;
    this.#tenants = new Map(tenants);
  }

  of(tenant: string): Region {
    return this.#tenants.get(tenant) ?? this.#default;
  }
}

/**
 * Reads a YAML file: `default: us`, and under `tenants` a region for each tenant (quote account numbers).
 * Throws `UserError` when it is anything else.
 */
export async function loadRegions(file: string): Promise<Regions> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`The tenants file ${file} cannot be read (${error.code}).`);
  });
  const known = (region: unknown): Region => {
    if (REGIONS.includes(region as Region)) return region as Region;
    throw new UserError(`${file}: "${region}" is no reporting region; there are ${REGIONS.join(', ')}.`);
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
