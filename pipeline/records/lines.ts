/** Lines of a byte stream, in bounded memory. */

export interface Line {
  /** From 1. */
  number: number;
  /** Without its line break; of a line over the limit, only the beginning. */
  bytes: Buffer;
  /** The line was longer than the limit; its rest was skipped. */
  oversized: boolean;
}

/** Blank lines are counted but not given out. */
export async function* linesOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>, limit: number): AsyncIterable<Line> {
  let number = 0;
  let parts: Buffer[] = [];
  let size = 0;

  const take = (bytes: Buffer) => {
    if (size <= limit) parts.push(bytes);
    size += bytes.length;
  };
  const finish = (): Line | null => {
    number++;
    const line = { number, bytes: Buffer.concat(parts), oversized: size > limit };
    parts = [];
    size = 0;
    return line.oversized || !isBlank(line.bytes) ? line : null;
  };

  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      take(chunk.subarray(start, end));
      start = end + 1;
      const line = finish();
      if (line) yield line;
    }
    take(chunk.subarray(start));
  }
  const last = finish();
  if (last) yield last;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);
}
