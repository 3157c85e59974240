/** Messages of a stream as bytes: compressed JSON, cut where it is longer than a server takes. */
import { promisify } from 'node:util';
import { constants, deflate as deflateWithCallback, inflate as inflateWithCallback } from 'node:zlib';
import { type Message, packed, unpacked } from './stream.ts';

/** One or the other: all of it, or what has to be kept in pieces. */
export interface Part {
  body: Buffer | null;
  pieces: Buffer[];
}

const deflate = promisify(deflateWithCallback);
const inflate = promisify(inflateWithCallback);

/** In as few parts as go; in order. `largest`: bytes. */
export async function partsOf(messages: readonly Message[], largest: number): Promise<Part[]> {
  const body = await deflate(packed(messages), { level: constants.Z_BEST_SPEED });
  if (body.length <= largest) return [{ body, pieces: [] }];
  if (messages.length > 1) {
    const half = messages.length >> 1;
    return [...(await partsOf(messages.slice(0, half), largest)), ...(await partsOf(messages.slice(half), largest))];
  }
  const pieces: Buffer[] = [];
  for (let start = 0; start < body.length; start += largest) pieces.push(body.subarray(start, start + largest));
  return [{ body: null, pieces }];
}

/** `pieceAt` gives what is kept beside, by its place. What zlib made begins otherwise than a list in plain text. */
export async function wholeOf(
  data: Uint8Array,
  pieceAt: (sequence: number) => Promise<Uint8Array>,
): Promise<Message[]> {
  if (data[0] !== BRACKET) return unpacked((await inflate(data)).toString());
  const pieces = await Promise.all((JSON.parse(Buffer.from(data).toString()) as number[]).map(pieceAt));
  return unpacked((await inflate(Buffer.concat(pieces))).toString());
}

const BRACKET = 0x5b;
