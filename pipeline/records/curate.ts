/** One value of the input → the curated records in it. */
import { activityOf } from './activity.ts';
import { isFields, storable } from './fields.ts';
import { type CloudRecord, Unusable } from './record.ts';
import { resourcesOf } from './resource.ts';

/** Takes the value over (it may be cleaned in place). Throws `Unusable` when it is no record that we know. */
export function curate(value: unknown): CloudRecord[] {
  if (!isFields(value)) throw new Unusable('unknown-shape', 'not a JSON object');
  storable(value);
  const event = activityOf(value);
  if (event !== null) return [event];
  const resources = resourcesOf(value);
  if (resources !== null) return resources;
  const keys = Object.keys(value).slice(0, 5).join(', ');
  throw new Unusable('unknown-shape', `neither an event nor a resource that we know: its fields are ${keys || 'none'}`);
}
