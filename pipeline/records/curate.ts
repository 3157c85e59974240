/** One value of the input → the curated records in it. */
import { activityOf } from './activity.ts';
import { type Envelope, opened } from './envelope.ts';
import { isFields, storable } from './fields.ts';
import { type CloudRecord, Unusable } from './record.ts';
import { resourcesOf } from './resource.ts';

/**
 * Bytes. What Oracle's columns hold (255 characters in a name) and PostgreSQL's indexes (2,704 bytes an entry, and the
 * inventory's has a tenant and a resource); the longest ARN has 2,048.
 */
const LONGEST = { tenant: 255, compartment: 255, region: 255, name: 255, actor: 2048, resource: 2048 } as const;

/**
 * Takes the value over (it may be cleaned in place); `envelope` is the list that it is an element of. Throws `Unusable`
 * when it is no record that we know or can keep.
 */
export function curate(value: unknown, envelope?: Envelope): CloudRecord[] {
  const records = recordsOf(opened(value, envelope));
  for (const record of records) refuseTooLong(record);
  return records;
}

const LIMITED = Object.entries(LONGEST) as [keyof typeof LONGEST, number][];

function refuseTooLong(record: CloudRecord): void {
  for (const [field, most] of LIMITED) {
    const text = record[field];
    if (text === null || 3 * text.length <= most) continue; // a character of UTF-16 has at most three bytes
    const bytes = Buffer.byteLength(text);
    if (bytes > most) throw new Unusable('oversized', `its ${field} has ${bytes} bytes, more than ${most}`);
  }
}

function recordsOf(value: unknown): CloudRecord[] {
  if (!isFields(value)) throw new Unusable('unknown-shape', 'not a JSON object');
  storable(value);
  const events = activityOf(value);
  if (events !== null) return events;
  const resources = resourcesOf(value);
  if (resources !== null) return resources;
  const keys = Object.keys(value).slice(0, 5).join(', ');
  throw new Unusable('unknown-shape', `neither an event nor a resource that we know: its fields are ${keys || 'none'}`);
}
