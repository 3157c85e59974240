/**
 * Ingest without an end: of a folder what comes and what grows, of standard input each line as it comes.
 *
 * Files of lines are read on from where they were, up to their last line break: what is
 * after it is still being written. Other files are read when their size has not changed between two looks.
 */
import { createReadStream } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { elementsOf, LIMITS } from '../records/elements.ts';
import { filesOf, type InputFile } from '../records/files.ts';
import { type IngestCounts, type IngestOptions, ingestFiles, ingestSource, ingestStream } from './ingest.ts';
import { IngestWriter } from './ingest-writer.ts';
import { progressOf, StaleProgressError } from './progress.ts';

/** How often is looked for something new, and how long a batch waits to be full: milliseconds. */
const LOOK_MS = 100;

const GROWING = /\.(jsonl|ndjson|log)$/i;

/** Where a file of lines has been read to. */
interface Cursor {
  bytes: number;
  lines: number;
  elements: number;
  revision: number;
}

/** Until the signal, or the end of standard input. `counts` grow as it goes. */
export async function followInput(options: IngestOptions, counts: IngestCounts): Promise<void> {
  const settings = { ...options, linger: LOOK_MS };
  if (options.input === '-') {
    await ingestStream(options.stdin ?? process.stdin, settings, counts);
    return;
  }
  const sizes = new Map<string, number | null>();
  const done = new Map<string, number | null>();
  const cursors = new Map<string, Cursor>();
  while (!options.signal?.aborted) {
    const settled: InputFile[] = [];
    for await (const file of filesOf(options.input)) {
      if (options.signal?.aborted) return;
      if (done.get(file.path) === file.bytes && done.has(file.path)) continue;
      const isSettled = sizes.has(file.path) && sizes.get(file.path) === file.bytes;
      sizes.set(file.path, file.bytes);
      if (GROWING.test(file.path) && file.problem === null) {
        const cursor = await readOn(file, cursors.get(file.path), settings, counts);
        if (cursor) cursors.set(file.path, cursor);
      } else if (isSettled) {
        settled.push(file);
      } else {
        continue;
      }
      done.set(file.path, file.bytes);
    }
    await ingestFiles(settled, settings, counts);
    await delay(LOOK_MS, undefined, { signal: options.signal }).catch(() => {});
  }
}

/** The whole lines that are new. Gives where it ended; nothing where this process has not read the file. */
async function readOn(
  file: InputFile,
  before: Cursor | undefined,
  options: IngestOptions,
  counts: IngestCounts,
): Promise<Cursor | undefined> {
  const isKnown = before !== undefined && before.bytes <= file.bytes!;
  const progress = isKnown
    ? { ...before, complete: before.bytes === file.bytes }
    : (await progressOf([file], options.pool))[0]!;
  if (progress.complete) {
    if (!isKnown) counts.filesBefore++;
    return before;
  }
  const start = isKnown ? before : { bytes: 0, lines: 0, elements: 0 };
  const found = { bytes: start.bytes, lines: start.lines, elements: start.elements };
  const lines = wholeLines(createReadStream(file.path, { start: start.bytes }), file.bytes! - start.bytes, found);
  const counted = async function* () {
    for await (const some of elementsOf(lines, options.limits ?? LIMITS)) {
      found.elements += some.length;
      yield some.map((element) => ({ ...element, position: movedBy(start.lines, element.position) }));
    }
  };
  // complete is what ends with a whole line
  const whole: InputFile = Object.defineProperty({ ...file }, 'bytes', { get: () => found.bytes });
  try {
    const writer = new IngestWriter(options, counts);
    const mark = await ingestSource(file.path, counted(), whole, progress, options, writer, start.elements);
    await writer.end();
    if (!isKnown) counts.files++;
    return { ...found, revision: mark.revision };
  } catch (error) {
    if (!(error instanceof StaleProgressError)) throw error;
    return readOn(file, undefined, options, counts);
  }
}

/** `lines 4 to 9, record 2`, so many lines further on. */
function movedBy(lines: number, position: string): string {
  return position.replace(/(?<=^lines? |^lines \d+ to )\d+/g, (line) => String(Number(line) + lines));
}

/** Of so many bytes. `found` is told of each line that is passed. What comes after the last line break is kept back. */
async function* wholeLines(chunks: AsyncIterable<Buffer>, most: number, found: { bytes: number; lines: number }) {
  let rest: Buffer[] = [];
  let left = most;
  for await (const chunk of chunks) {
    const own = chunk.subarray(0, left);
    left -= own.length;
    const end = own.lastIndexOf(10) + 1;
    if (end > 0) {
      const whole = Buffer.concat([...rest, own.subarray(0, end)]);
      rest = [];
      found.bytes += whole.length;
      for (let at = whole.indexOf(10); at >= 0; at = whole.indexOf(10, at + 1)) found.lines++;
      yield whole;
    }
    if (end < own.length) rest.push(own.subarray(end));
    if (left === 0) return;
  }
}
