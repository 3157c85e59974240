/**
 * Appends lines to this thread's recording: buffered for at most half a second, never a reason to fail. Bounded: of each
 * kind of line that comes again and again, the fewer are written the more there are.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Entry } from './format.ts';
import { appendOwn, makeFolder } from './own.ts';

/** Taken before a service, or the probe itself, can put others in their places; `hrtime` tells seconds first. */
const { hrtime } = process;
const { closeSync, fstatSync, writeSync } = fs;

/** Bytes of one kind of line. Beyond them every other line is dropped; after half as many again, every other one of the rest. */
const MAX_BULK = 2 * 1024 * 1024;
/** Where nothing can be written, it is tried again only so often, seconds. */
const RETRY = 5;

/** What one kind of line has of the file; each `thin`th of its turns counts. */
interface Share {
  bytes: number;
  turns: number;
  thin: number;
}

export class Writer<E extends { t: string } = Entry> {
  /** Lines that were left out, by type; `write` when the disk refused, `deleted` when the file was taken away. */
  readonly dropped: Record<string, number> = {};
  private readonly file: string;
  private readonly keyOf: (line: E) => string | null;
  /** What a recording begins with when it has to begin anew: the latest line of each key. */
  private readonly kept: Map<string, E> = new Map();
  private descriptor: number | null = null;
  private buffer: string[] = [];
  private readonly shares: Map<E['t'], Share> = new Map();
  /** The next write begins with all that was kept. */
  private isLost = false;
  private retryAt = Number.NEGATIVE_INFINITY;

  /** `keyOf`: which lines replace each other; null for those that may be lost with the file. */
  constructor(file: string, keyOf: (line: E) => string | null = ({ t }) => t) {
    this.file = file;
    this.keyOf = keyOf;
  }

  /** `standing`: what a recording that begins anew has to say instead, when `line` only says what has changed. */
  write(line: E, standing: E = line): void {
    const key = this.keyOf(line);
    if (key !== null) this.kept.set(key, standing);
    const text = JSON.stringify(line);
    this.buffer.push(text);
    const share = this.shareOf(line.t);
    share.bytes += text.length;
    if (share.bytes <= MAX_BULK) return;
    share.bytes = MAX_BULK / 2;
    share.thin *= 2;
  }

  /** Whether it is the turn of that kind of line: the longer a run, the seldomer. To be asked once each time. */
  isDue(kind: E['t']): boolean {
    const share = this.shareOf(kind);
    return share.turns++ % share.thin === 0;
  }

  /** For lines of which some may be missing. */
  writeBulk(line: E): void {
    if (this.isDue(line.t)) this.write(line);
    else this.drop(line.t);
  }

  /** What a recording would say that begins anew: all that matters of this one. Null where some of it is not written. */
  get standing(): readonly E[] | null {
    return this.isLost || Object.keys(this.dropped).length > 0 ? null : [...this.kept.values()];
  }

  flush(): void {
    if (this.buffer.length === 0 || hrtime()[0] < this.retryAt) return;
    try {
      this.forsakeDeleted();
      this.descriptor ??= this.open();
      // a write that a full disk cuts short leaves a torn line: the next write begins on a line of its own
      const lines = this.isLost ? ['', ...[...this.kept.values()].map((line) => JSON.stringify(line))] : this.buffer;
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      let written = 0;
      while (written < bytes.length) written += writeSync(this.descriptor, bytes, written);
      this.isLost = false;
    } catch {
      this.drop('write');
      this.isLost = true;
      this.retryAt = hrtime()[0] + RETRY;
    }
    this.buffer = [];
  }

  close(): void {
    this.retryAt = Number.NEGATIVE_INFINITY;
    this.flush();
    if (this.descriptor !== null) closeSync(this.descriptor);
    this.descriptor = null;
  }

  /** What is written to a file that has no name any more, nobody will read. */
  private forsakeDeleted(): void {
    if (this.descriptor === null || fstatSync(this.descriptor).nlink > 0) return;
    closeSync(this.descriptor);
    this.descriptor = null;
    this.drop('deleted');
    this.isLost = true;
  }

  private open(): number {
    makeFolder(path.dirname(this.file));
    return appendOwn(this.file);
  }

  private shareOf(kind: E['t']): Share {
    let share = this.shares.get(kind);
    if (!share) {
      share = { bytes: 0, turns: 0, thin: 1 };
      this.shares.set(kind, share);
    }
    return share;
  }

  private drop(what: string): void {
    this.dropped[what] = (this.dropped[what] ?? 0) + 1;
  }
}
