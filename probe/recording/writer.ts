/** Appends lines to this thread's recording: buffered for at most half a second, bounded, never a reason to fail. */
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../folder.ts';
import type { Line as ProcessRecordingLine } from './format.ts';

/** Bytes of samples and runs in one file; findings, sites and totals are always written. */
const MAX_BULK = 16 * 1024 * 1024;

export class Writer<Line extends { t: string } = ProcessRecordingLine> {
  /** Lines that were left out, by type, and `write` when the disk refused. */
  readonly dropped: Record<string, number> = {};
  private readonly file: string;
  private descriptor: number | null = null;
  private buffer: string[] = [];
  private bulk = 0;
  /** Of each kind of bulk line, only every `thin`th is kept once the file grows. */
  private thin = 1;
  private seen = 0;
  private isBroken = false;

  constructor(file: string) {
    this.file = file;
  }

  write(line: Line): void {
    this.buffer.push(JSON.stringify(line));
  }

  /** For lines that may be thinned: the longer a run, the fewer. */
  writeBulk(line: Line): void {
    if (this.seen++ % this.thin !== 0) {
      this.drop(line.t);
      return;
    }
    const text = JSON.stringify(line);
    this.bulk += text.length;
    if (this.bulk > MAX_BULK) {
      this.bulk = MAX_BULK / 2;
      this.thin *= 2;
    }
    this.buffer.push(text);
  }

  flush(): void {
    if (this.buffer.length === 0 || this.isBroken) return;
    const lines = this.buffer;
    this.buffer = [];
    try {
      this.descriptor ??= this.open();
      // a write that a full disk cuts short leaves a torn line: the next write begins on a line of its own
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      let written = 0;
      while (written < bytes.length) written += writeSync(this.descriptor, bytes, written);
    } catch (error) {
      this.drop('write');
      this.buffer = ['', ...lines.slice(-1000)];
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') this.isBroken = true;
    }
  }

  close(): void {
    this.flush();
    if (this.descriptor !== null) closeSync(this.descriptor);
    this.descriptor = null;
  }

  private open(): number {
    makeFolder(path.dirname(this.file));
    return openSync(this.file, 'a');
  }

  private drop(what: string): void {
    this.dropped[what] = (this.dropped[what] ?? 0) + 1;
  }
}
