/** Files of threat intelligence: as lines, or as MISP writes them. */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { UserError } from '../../user-error.ts';
import { type Fields, fieldsOf, firstText, isFields } from '../records/fields.ts';
import { IntelList, type Listing } from './intel.ts';

/**
 * - Text: one address, network, domain or hash a line; `#` starts a comment, what follows the entry after a blank or
 *   comma is ignored.
 * - A MISP warning list: `{ "name", "list": […] }`. It says what its entries are, not that they are bad.
 * - A MISP event or feed: attributes `{ "type", "value" }` anywhere in it; of types that are no indicators, none.
 * Throws `UserError` with file and line for anything else. The list follows its files: see `refresh`. One that cannot be
 * read any more is said once, and what was known stays.
 */
export function loadIntel(...files: string[]): Promise<IntelList> {
  return followed(files, () => performance.now());
}

/** `clock` gives milliseconds. */
export async function followed(files: readonly string[], clock: () => number): Promise<IntelList> {
  let state = await stateOf(files);
  let looked = clock();
  const reread = async () => {
    if (clock() - looked < LOOK_EVERY) return null;
    looked = clock();
    const now = await stateOf(files);
    if (now === state) return null;
    state = now;
    return read(files).catch((error: Error) => {
      process.stderr.write(`${error.message} What was known before stays in use.\n`);
      return null;
    });
  };
  return read(files, reread);
}

/** Milliseconds between two looks at the files. */
const LOOK_EVERY = 1_000;

async function read(files: readonly string[], reread?: () => Promise<IntelList | null>): Promise<IntelList> {
  const list = new IntelList(reread);
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new UserError(`The intelligence list ${file} cannot be read (${error.code}).`);
    });
    if (/^\s*[[{]/.test(text)) addMisp(text, file, list);
    else addLines(text, file, list);
  }
  return list;
}

async function stateOf(files: readonly string[]): Promise<string> {
  const states = files.map((file) =>
    stat(file).then(
      ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
      () => 'missing',
    ),
  );
  return (await Promise.all(states)).join('\n');
}

function addLines(text: string, file: string, list: IntelList): void {
  const listing = { list: basename(file), isThreat: true };
  for (const [index, line] of text.split('\n').entries()) {
    const entry = line.replace(/#.*/, '').trim().split(/[\s,]/)[0];
    if (!entry || list.add(entry, listing)) continue;
    const what = `"${entry.slice(0, 60)}" is neither an IP address nor a CIDR network, domain or hash`;
    throw new UserError(`${file}:${index + 1}: ${what}.`);
  }
}

function addMisp(text: string, file: string, list: IntelList): void {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file}: not valid JSON: ${(error as Error).message.slice(0, 120)}`);
  }
  const { list: entries, name } = fieldsOf(content);
  const added = Array.isArray(entries)
    ? addAll(entries, { list: firstText(name) ?? basename(file), isThreat: false }, list)
    : attributesIn(content, basename(file)).map(({ values, listing }) => addAll(values, listing, list)).length;
  if (added === 0)
    throw new UserError(`${file}: neither a MISP warning list nor MISP attributes, which have a type and a value.`);
}

function addAll(entries: readonly unknown[], listing: Listing, list: IntelList): number {
  // Some warning lists hold patterns and file names too, which no record can be compared with.
  return entries.filter((entry) => typeof entry === 'string' && list.add(entry, listing)).length;
}

const INDICATORS = /^(ip-(src|dst)(\|port)?|domain(\|ip)?|hostname(\|port)?|url|md5|sha\d+|filename\|(md5|sha\d+))$/;

/** The list of an attribute is the event that it is in. */
function attributesIn(value: unknown, event: string): { values: string[]; listing: Listing }[] {
  if (Array.isArray(value)) return value.flatMap((each) => attributesIn(each, event));
  if (!isFields(value)) return [];
  const name = firstText(value.info) ?? event;
  const own = indicatorsIn(value);
  const inner = Object.values(value).flatMap((each) => attributesIn(each, name));
  return own ? [{ values: own, listing: { list: name, isThreat: true } }, ...inner] : inner;
}

/** `ip-src|port` and the like have two parts; a file's name is no indicator. */
function indicatorsIn({ type, value }: Fields): string[] | null {
  if (typeof type !== 'string' || typeof value !== 'string' || !INDICATORS.test(type)) return null;
  if (type === 'url') return URL.canParse(value) ? [new URL(value).hostname] : [];
  return type.startsWith('filename') ? value.split('|').slice(1) : value.split('|');
}
