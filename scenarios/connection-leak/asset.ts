import type { Asset } from '../../pipeline/jobs/asset-lookup.ts';

export const SELECT_ASSET = 'SELECT type, region, owner FROM assets WHERE tenant = $1 AND "resource" = $2';

export class UnownedAsset extends Error {
  override name = 'UnownedAsset';
}

/** Insists on an owner, whom the result is to be sent to. Throws `UnownedAsset`. */
export function mustHaveOwner(asset: Asset | undefined): Asset | null {
  if (asset?.owner === null) throw new UnownedAsset(`a ${asset.type} in ${asset.region} has no owner`);
  return asset ?? null;
}
