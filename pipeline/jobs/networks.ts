/** Addresses and networks of both families, each with what is known of it. */
import { isIP } from 'node:net';

interface Network {
  /** `4/24`: family and prefix length. */
  size: string;
  bits: bigint;
}

/** Exact addresses and CIDR networks; a look-up costs one hash per prefix length in use. */
export class Networks<Known> {
  readonly #bySize = new Map<string, Map<bigint, Known>>();
  /** Of addresses that were asked for: most are asked for again and again. */
  readonly #answers = new Map<string, Known | undefined>();

  /** False when the text is neither an address nor a network. */
  add(text: string, known: Known): boolean {
    const network = networkOf(text);
    if (network === null) return false;
    this.#answers.clear();
    const others = this.#bySize.get(network.size) ?? new Map<bigint, Known>();
    this.#bySize.set(network.size, others.set(network.bits, known));
    return true;
  }

  /** What is known of the address, or of a network that it is in. */
  of(address: string): Known | undefined {
    if (this.#answers.has(address)) return this.#answers.get(address);
    if (this.#answers.size >= MOST_ANSWERS) this.#answers.clear();
    const answer = this.#find(address);
    this.#answers.set(address, answer);
    return answer;
  }

  #find(address: string): Known | undefined {
    const parsed = bitsOf(address);
    if (parsed === null) return undefined;
    for (const [size, known] of this.#bySize) {
      const [family, prefix] = size.split('/').map(Number);
      const found = family === parsed.family ? known.get(prefixOf(parsed, prefix!)) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

const MOST_ANSWERS = 10_000;

function networkOf(text: string): Network | null {
  const [address, prefix, ...more] = text.split('/');
  const parsed = bitsOf(address!);
  if (parsed === null || more.length > 0) return null;
  const width = parsed.family === 4 ? 32 : 128;
  const length = prefix === undefined ? width : Number(prefix);
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || length > width)) return null;
  return { size: `${parsed.family}/${length}`, bits: prefixOf(parsed, length) };
}

function prefixOf(address: { family: number; bits: bigint }, length: number): bigint {
  return address.bits >> BigInt((address.family === 4 ? 32 : 128) - length);
}

/** An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is the IPv4 address. */
function bitsOf(text: string): { family: 4 | 6; bits: bigint } | null {
  const address = text.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(address) === 4) {
    return { family: 4, bits: BigInt(address.split('.').reduce((bits, part) => bits * 256 + Number(part), 0)) };
  }
  if (isIP(address) !== 6 || address.includes('%')) return null;
  // The URL parser writes every IPv6 address as hexadecimal groups with at most one `::`.
  const [left, right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::') as [string, string?];
  const [before, after] = [left, right ?? ''].map((side) => (side === '' ? [] : side.split(':')));
  const groups = [...before!, ...Array(8 - before!.length - after!.length).fill('0'), ...after!];
  return { family: 6, bits: groups.reduce((bits: bigint, group) => (bits << 16n) | BigInt(`0x${group}`), 0n) };
}
