/** Threat intelligence: lists of addresses and networks. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { UserError } from '../../user-error.ts';

interface Network {
  /** `4/24`: family and prefix length. */
  size: string;
  bits: bigint;
}

/** Knows exact addresses and CIDR networks, of both families; a look-up costs one hash per prefix length in use. */
export class IntelList {
  readonly #networks = new Map<string, Set<bigint>>();

  /** False when the text is neither an address nor a network. */
  add(text: string): boolean {
    const network = networkOf(text);
    if (network === null) return false;
    const known = this.#networks.get(network.size) ?? new Set();
    this.#networks.set(network.size, known.add(network.bits));
    return true;
  }

  has(address: string): boolean {
    const parsed = bitsOf(address);
    if (parsed === null) return false;
    for (const [size, known] of this.#networks) {
      const [family, prefix] = size.split('/').map(Number);
      if (family === parsed.family && known.has(prefixOf(parsed, prefix!))) return true;
    }
    return false;
  }
}

/**
 * One address or network a line; `#` starts a comment, what follows the address after a blank is ignored.
 * Throws `UserError` with file and line for anything else.
 */
export async function loadIntel(file: string): Promise<IntelList> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`The intelligence list ${file} cannot be read (${error.code}).`);
  });
  const list = new IntelList();
  for (const [index, line] of text.split('\n').entries()) {
    const entry = line.replace(/#.*/, '').trim().split(/[\s,]/)[0];
    if (entry && !list.add(entry)) {
      throw new UserError(`${file}:${index + 1}: "${entry.slice(0, 60)}" is neither an IP address nor a CIDR network.`);
    }
  }
  return list;
}

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
