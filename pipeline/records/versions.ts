/**
 * Entries of a topic as this version of the program understands them: older ones are brought up one step after
 * another, those of a version that is not known yet and those that are broken are refused.
 */
import { type Fields, fieldsOf, isFields } from './fields.ts';
import { type CloudRecord, RECORD_VERSION, Unusable } from './record.ts';

/** From version n, at index n - 1, to version n + 1. */
export type UpCasters = readonly ((older: Fields) => Fields)[];

/** Throws `Unusable`. */
export function upToDate(value: unknown, version: number, steps: UpCasters, what: string): Fields {
  if (!isFields(value)) throw new Unusable('broken-record', `${what} that is no object`);
  const found = value.version;
  if (!Number.isInteger(found) || Number(found) < 1) {
    throw new Unusable('unknown-version', `${what} without a version`);
  }
  if (Number(found) > version) {
    throw new Unusable('unknown-version', `${what} of version ${found}; this program knows those up to ${version}`);
  }
  const raised = steps.slice(Number(found) - 1).reduce<Fields>((older, step) => step(older), value);
  return { ...raised, version };
}

const TO_CURRENT: UpCasters = [
  // OCI's compartment got a field of its own; what had none of the fields that may be null has them since.
  (older) => ({
    ...{ time: null, actor: null, sourceIp: null, resource: null },
    compartment: older.source === 'oci-audit' ? (fieldsOf(fieldsOf(older.raw).data).compartmentId ?? null) : null,
    ...older,
  }),
];

const TEXTS = ['id', 'kind', 'source', 'tenant', 'region', 'name'] as const;
const TEXTS_OR_NULL = ['compartment', 'time', 'actor', 'sourceIp', 'resource'] as const;

/** An entry of topic `records`. Throws `Unusable`, reason `unknown-version` or `broken-record`. */
export function recordOf(value: unknown): CloudRecord {
  const record = upToDate(value, RECORD_VERSION, TO_CURRENT, 'a record');
  checkTexts(record, TEXTS, TEXTS_OR_NULL, 'a record');
  return record as unknown as CloudRecord;
}

export function checkTexts(value: Fields, texts: readonly string[], orNull: readonly string[], what: string): void {
  const missing = texts.find((field) => typeof value[field] !== 'string');
  const wrong = missing ?? orNull.find((field) => value[field] !== null && typeof value[field] !== 'string');
  if (wrong) throw new Unusable('broken-record', `${what} whose ${wrong} is no text`);
}
