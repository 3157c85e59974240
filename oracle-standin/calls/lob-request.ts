import { MalformedPacket, type Reader } from '../wire/reader.ts';
import { Message } from '../wire/ttc.ts';

export const LobOperation = {
  length: 0x1,
  read: 0x2,
  trim: 0x20,
  write: 0x40,
  createTemporary: 0x110,
  freeTemporary: 0x111,
  chunkSize: 0x4000,
  open: 0x8000,
  close: 0x10000,
  isOpen: 0x11000,
} as const;

export interface LobRequest {
  kind: 'lob';
  operation: number;
  locator: Buffer;
  /** From 1, in bytes or characters. */
  offset: number;
  /** Of a temporary LOB: its type. */
  type: number;
  amount: number;
  hasAmount: boolean;
  data: Buffer | null;
}

export function readLob(reader: Reader): LobRequest {
  reader.skip(1);
  const size = reader.ub4();
  reader.skip(1);
  for (let i = 0; i < 3; i++) reader.ub4();
  reader.skip(3);
  const operation = reader.ub4();
  reader.skip(2);
  const offset = reader.ub8();
  const type = reader.ub8();
  const hasAmount = reader.u8() !== 0;
  reader.skip(6);
  const locator = reader.bytes(size);
  if (operation === LobOperation.createTemporary) reader.ub4(); // character set
  let data: Buffer | null = null;
  if (operation === LobOperation.write) {
    // without data an amount of nothing is written
    if (reader.left > 0) {
      if (reader.u8() !== Message.lobData) throw new MalformedPacket('a LOB written without its data');
      data = reader.sized() ?? Buffer.alloc(0);
    }
  }
  const amount = hasAmount ? reader.ub8() : 0;
  return { kind: 'lob', operation, locator, offset, type, amount, hasAmount, data };
}
