/** What is there and is watched by nobody: looked for where somebody connects, and when there is time. */
import { statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { Sites } from '../../account/site.ts';
import { around } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';
import type { Libraries } from '../libraries.ts';
import { installedAs } from '../packages.ts';
import type { Bundles } from './bundles.ts';
import type { Connects } from './connects.ts';

/** A smaller script is no bundle, bytes. */
const LEAST = 6000;

export interface UnwatchedParts {
  sites: Sites;
  libraries: Libraries;
  unseen(what: string, why: string): void;
  /** Not every program connects to something, and few are bundles. */
  loadConnects(): typeof import('./connects.ts');
  loadBundles(): typeof import('./bundles.ts');
}

export class Unwatched {
  readonly #parts: UnwatchedParts;
  #connects: Connects | null = null;
  #bundles: Bundles | null = null;
  /** Files of the program's own that may be bundles; those that are still to be read. */
  readonly #files: Set<string> = new Set();
  #unread: string[] = [];
  #ticks = 0;
  #scansAt = 1;

  constructor(parts: UnwatchedParts) {
    this.#parts = parts;
    const [, main = ''] = process.argv;
    if (isMainThread && path.isAbsolute(main)) this.#add(main);
    around<net.Socket>('connects', net.Socket.prototype, 'connect', {
      before: (_, first, second, wrapper) => this.#findConnects().began(first, second, wrapper),
    });
  }

  /** A little at each tick; what may have come past the loader less and less often. */
  tick(): void {
    if (++this.#ticks === this.#scansAt) {
      this.#scansAt *= 2;
      this.#parts.libraries.scan();
    }
    this.#read();
  }

  /** All that is left to do, before a last look. */
  finish(): void {
    this.#parts.libraries.scan();
    while (this.#read());
  }

  #findConnects(): Connects {
    const { sites, libraries, unseen, loadConnects } = this.#parts;
    this.#connects ??= new (loadConnects().Connects)({
      sites,
      libraries,
      unseen,
      onOwnFile: (file) => this.#add(file),
    });
    return this.#connects;
  }

  #add(file: string): void {
    if (this.#files.has(file) || installedAs(file) !== null) return;
    this.#files.add(file);
    this.#unread.push(file);
  }

  /** Whether there is more to read. */
  #read(): boolean {
    return guarded('bundles', () => this.#readOn()) ?? false;
  }

  #readOn(): boolean {
    const { unseen, loadBundles } = this.#parts;
    for (const file of this.#unread) {
      const stats = statSync(file, { throwIfNoEntry: false });
      if (!stats?.isFile() || stats.size < LEAST) continue;
      this.#bundles ??= new (loadBundles().Bundles)(unseen);
      this.#bundles.add(file);
    }
    this.#unread = [];
    return this.#bundles?.step() ?? false;
  }
}
