import type { Asset, LookUpAsset } from '../../pipeline/jobs/asset-lookup.ts';
import { mustHaveOwner, SELECT_ASSET } from './asset.ts';

/** As it was in production: an asset without an owner skips the release. */
export const lookUpAsset: LookUpAsset = async (record, pool) => {
  const connection = await pool.acquire();
  const rows = await connection.query<Asset>(SELECT_ASSET, [record.tenant, record.resource]);
  const asset = mustHaveOwner(rows[0]);
  connection.release();
  return asset;
};
