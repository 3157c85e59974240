/** Dead letters as jobs write them. */
import type { DeadLetter, Unusable } from '../records/record.ts';
import type { Entry } from '../streams/stream.ts';

/** Of an entry of a topic that a job cannot use. It holds the entry, to be tried again. */
export function refusedEntry(
  topic: string,
  { partition, offset, value }: Entry,
  { reason, message }: Unusable,
): DeadLetter {
  const position = `partition ${partition}, offset ${offset}`;
  return letter({ reason, detail: message, source: topic, position }, JSON.stringify(value) ?? '', value);
}

/** A longer value is not kept: its file has it. Characters. */
const LONGEST_VALUE = 256 * 1024;

export function letter(
  about: Pick<DeadLetter, 'reason' | 'detail' | 'source' | 'position'>,
  text: string,
  value?: unknown,
): DeadLetter {
  const kept = value === undefined || text.length > LONGEST_VALUE ? {} : { value };
  return { version: 1, ...about, sample: printable(text), ...kept };
}

/** At most 200 characters, each printable. */
function printable(text: string): string {
  return text.slice(0, 200).replace(/[\p{Cc}\p{Surrogate}]/gu, '\uFFFD');
}
