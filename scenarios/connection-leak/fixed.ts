import type { Asset, LookUpAsset } from '../../pipeline/jobs/asset-lookup.ts';
import { mustHaveOwner, SELECT_ASSET } from './asset.ts';

/** The cure: released whatever happens. */
export const lookUpAsset: LookUpAsset = async (record, pool) => {
  const connection = await pool.acquire();
  try {
    const rows = await connection.query<Asset>(SELECT_ASSET, [record.tenant, record.resource]);
    return mustHaveOwner(rows[0]);
  } finally {
    connection.release();
  }
};
