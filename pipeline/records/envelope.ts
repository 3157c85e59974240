/** Lists that events are delivered in, and what wraps one event: each opened to the event itself. */
import { type Fields, fieldsOf, firstText, isFields } from './fields.ts';
import { Unusable } from './record.ts';

/** What stands around the elements of a list. */
export interface Envelope {
  /** Its key; empty where the document itself is the list. */
  list: string;
  /** The document's other fields. */
  fields: Fields;
}

/** Keys of a document under which a list holds one event or resource an element. */
const OPENERS: Record<string, (element: Fields, fields: Fields) => unknown> = {
  /** CloudTrail's files in S3. */
  Records: (element) => element,
  /** `aws cloudtrail lookup-events`. */
  Events: (element) => ('CloudTrailEvent' in element ? parsed(element.CloudTrailEvent, 'CloudTrailEvent') : element),
  /** A subscription of CloudWatch Logs. */
  logEvents: ({ message }, { messageType, owner, logGroup }) => {
    if (messageType === 'CONTROL_MESSAGE') {
      throw new Unusable(
        'unknown-shape',
        'a control message of CloudWatch Logs, which tests the way and holds no event',
      );
    }
    return delivered(parsed(message, 'message'), { account: owner, logGroup });
  },
  /** `aws cloudtrail get-query-results`: of CloudTrail Lake. */
  QueryResultRows: (element) => element,
  /** `aws guardduty get-findings`, Security Hub. */
  Findings: (element) => element,
  findings: (element) => element,
  /** `oci audit event list`, `oci streaming stream message get`, answers of the OCI command line. */
  data: (element) => ('value' in element && 'offset' in element ? parsed(base64(element.value), 'value') : element),
  /** `oci logging-search search-logs`. */
  results: (element) => ('logContent' in fieldsOf(element.data) ? element.data : element),
  /** Kubernetes' EventList. */
  items: (element) => element,
};

export const LISTS: ReadonlySet<string> = new Set(Object.keys(OPENERS));

/** The list of a document and what stands around it; null when it is one value itself. */
export function listIn(value: unknown): (Envelope & { elements: unknown[] }) | null {
  if (Array.isArray(value)) return { list: '', fields: {}, elements: value };
  // A recorded answer of an API is one value with an answer's own lists in it.
  if (!isFields(value) || 'op' in value || 'uri' in value) return null;
  const outer = isFields(value.data) && Array.isArray(value.data.results) ? value.data : value;
  const list = Object.keys(outer).find((key) => LISTS.has(key) && Array.isArray(outer[key]));
  if (list === undefined) return null;
  const { [list]: elements, ...fields } = outer;
  return { list, fields, elements: elements as unknown[] };
}

/** One element of a list as the event that it holds. Throws `Unusable` when it holds none. */
export function opened(value: unknown, envelope: Envelope | undefined): unknown {
  if (envelope?.list === 'QueryResultRows' && Array.isArray(value)) return row(value);
  if (envelope === undefined || !isFields(value)) return value;
  return OPENERS[envelope.list]?.(value, envelope.fields) ?? value;
}

/** What the way of delivery knows and the event may not. */
const WAY = Symbol('way of delivery');
export interface Way {
  account?: unknown;
  logGroup?: unknown;
}

function delivered(value: unknown, way: Way): unknown {
  return isFields(value) ? Object.defineProperty(value, WAY, { value: way }) : value;
}

export function wayOf(value: Fields): Way {
  return (value as { [WAY]?: Way })[WAY] ?? {};
}

function parsed(value: unknown, field: string): unknown {
  try {
    return JSON.parse(firstText(value) ?? '');
  } catch {
    throw new Unusable('not-json', `its ${field} is no JSON text`);
  }
}

function base64(value: unknown): string {
  return Buffer.from(firstText(value) ?? '', 'base64').toString();
}

/** `[{ eventID: '…' }, { eventName: '…' }]` → one object; texts that are JSON objects or lists are read. */
function row(cells: unknown[]): Fields {
  const fields = Object.assign({}, ...cells.map(fieldsOf)) as Fields;
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value !== 'string' || !/^[[{]/.test(value)) continue;
    try {
      fields[key] = JSON.parse(value);
    } catch {
      fields[key] = mapText(value) ?? value; // as Presto writes maps: {type=IAMUser, arn=arn:aws:…}
    }
  }
  return isFields(fields.eventJson) ? fields.eventJson : fields;
}

/** `{type=IAMUser, sessionContext={mfa=false}}` → an object; null where it is not one. Texts with `, ` in them are cut. */
function mapText(text: string): Fields | null {
  if (!text.startsWith('{') || !text.endsWith('}')) return null;
  const fields: Fields = {};
  let [depth, start] = [0, 1];
  for (let i = 1; i < text.length; i++) {
    const character = text[i];
    if (character === '{' || character === '[') depth++;
    const ends = i === text.length - 1 || (depth === 0 && text.startsWith(', ', i));
    if (ends) {
      const [name, ...value] = text.slice(start, i).split('=');
      if (!name?.trim() || value.length === 0) return null;
      const content = value.join('=');
      fields[name.trim()] = content === 'null' ? null : (mapText(content) ?? content);
      start = i + 1;
    }
    if (character === '}' || character === ']') depth--;
  }
  return fields;
}
