/** Threat intelligence: what lists know of the addresses, domains and hashes that a record names. */
import { Networks } from './networks.ts';

/** A list that an indicator is on. */
export interface Listing {
  list: string;
  /** False of lists that only say what something is, as MISP's warning lists: no rule of ours takes them for a threat. */
  isThreat: boolean;
}

export interface IntelHit extends Listing {
  /** As the record has it. */
  indicator: string;
  type: 'address' | 'domain' | 'hash';
  /** Where in the record: `sourceIp`, or the path in `raw`. */
  field: string;
}

const THREAT: Listing = { list: 'intelligence', isThreat: true };

interface Known {
  networks: Networks<Listing>;
  domains: Map<string, Listing>;
  hashes: Map<string, Listing>;
}

export class IntelList {
  #known: Known = { networks: new Networks(), domains: new Map(), hashes: new Map() };
  readonly #reread: () => Promise<IntelList | null>;

  /** `reread` gives what the list's source has become, null while it is the same. */
  constructor(reread: () => Promise<IntelList | null> = async () => null) {
    this.#reread = reread;
  }

  /** Takes over what has changed in its source. */
  async refresh(): Promise<void> {
    const changed = await this.#reread();
    if (changed) this.#known = changed.#known;
  }

  /** An address, a CIDR network, a domain (with all below it) or a hash; false when the text is none of them. */
  add(text: string, listing: Listing = THREAT): boolean {
    const entry = text.trim().toLowerCase();
    if (this.#known.networks.add(entry, listing)) return true;
    if (HASH.test(entry)) this.#known.hashes.set(entry, listing);
    else if (DOMAIN.test(entry)) this.#known.domains.set(entry.replace(/^\*?\./, ''), listing);
    else return false;
    return true;
  }

  /** The address is on a list of threats. */
  has(address: string): boolean {
    return this.#known.networks.of(address)?.isThreat ?? false;
  }

  /** All that the lists know of what is in the record, at most 100. */
  hitsIn({ sourceIp, raw }: { sourceIp?: string | null; raw?: unknown }): IntelHit[] {
    const hits: IntelHit[] = [];
    const source = sourceIp ? this.#find(sourceIp) : null;
    if (source) hits.push({ ...source, field: 'sourceIp' });
    if (this.#isIn(raw)) this.#search(raw, [], hits);
    return hits;
  }

  /** Most records name nothing that is known: to see that takes a fifth of what it takes to keep track of paths. */
  #isIn(value: unknown): boolean {
    if (typeof value === 'string') return this.#find(value) !== null;
    if (typeof value !== 'object' || value === null) return false;
    for (const inner of Array.isArray(value) ? value : Object.values(value)) if (this.#isIn(inner)) return true;
    return false;
  }

  #search(value: unknown, path: string[], hits: IntelHit[]): void {
    if (typeof value === 'string') {
      const found = hits.length < MOST_HITS ? this.#find(value) : null;
      if (found) hits.push({ ...found, field: path.join('.') });
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      path.push(key);
      this.#search(inner, path, hits);
      path.pop();
    }
  }

  /** What the text is or names, an address, a domain or a hash, where that is known. */
  #find(text: string): Found | null {
    if (text.length < SHORTEST || text.length > LONGEST) return null;
    const { domains, hashes, networks } = this.#known;
    if (mayBeAddress(text)) {
      const address = text.replace(/\/\d+$/, '');
      const listing = networks.of(address);
      if (listing) return { indicator: address, type: 'address', ...listing };
    }
    if (hashes.size > 0 && HASH.test(text)) return found('hash', text, hashes.get(text.toLowerCase()));
    // without domains on the lists only an address in a URL counts
    if (domains.size === 0 && !text.includes('://')) return null;
    const host = hostIn(text);
    if (host === null) return null;
    if (mayBeAddress(host)) return found('address', host, networks.of(host));
    return domains.size > 0 ? found('domain', host, this.#listingOfDomain(host)) : null;
  }

  #listingOfDomain(host: string): Listing | undefined {
    for (let name = host.toLowerCase(); ; ) {
      const listing = this.#known.domains.get(name);
      const dot = name.indexOf('.');
      if (listing || dot === -1) return listing;
      name = name.slice(dot + 1);
    }
  }
}

type Found = Omit<IntelHit, 'field'>;

function found(type: IntelHit['type'], indicator: string, listing: Listing | undefined): Found | null {
  return listing ? { indicator, type, ...listing } : null;
}

const MOST_HITS = 100;
const SHORTEST = 3;
const LONGEST = 2_048;
const HASH = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$/i;
const DOMAIN = /^(?:\*?\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+[a-z][a-z0-9-]{1,62}\.?$/i;

function mayBeAddress(text: string): boolean {
  return text.length <= 49 && ADDRESS_START.test(text);
}

const ADDRESS_START = /^(?:\d{1,3}\.\d{1,3}\.|[\da-f]{0,4}:[\da-f:])/i;

/** Of a URL, an e-mail address or a bare name. */
function hostIn(text: string): string | null {
  const url = text.indexOf('://');
  if (url > 0) return /^[^/?#\s]*?([^@/?#\s:]+)(?::\d+)?(?:[/?#]|$)/.exec(text.slice(url + 3))?.[1] ?? null;
  const at = text.lastIndexOf('@');
  const name = at > 0 ? text.slice(at + 1) : text;
  return name.length <= 253 && name.includes('.') && !name.includes(' ') && !name.includes('/') ? name : null;
}
