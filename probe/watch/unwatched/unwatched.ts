/** What is there and is watched by nobody: put together here, and looked for when there is time. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { Sites } from '../../account/site.ts';
import { guarded } from '../../process/lapses.ts';
import type { Libraries } from '../libraries.ts';
import { installedAs } from '../packages.ts';
import type { Bundles } from './bundles.ts';
import { watchConnects } from './connects.ts';

const PART = 'bundles';

/** A smaller script is no bundle, bytes. */
const LEAST = 6000;

export interface UnwatchedParts {
  sites: Sites;
  libraries: Libraries;
  unseen(what: string, why: string): void;
  /** Few programs are bundles. */
  loadBundles(): typeof import('./bundles.ts');
}

export class Unwatched {
  readonly #libraries: Libraries;
  readonly #makeBundles: () => Bundles;
  /** Files of the program's own that may be bundles, until they are read. */
  readonly #files: string[] = [];
  readonly #added: Set<string> = new Set();
  #bundles: Bundles | null = null;
  #ticks = 0;
  #scansAt = 1;

  constructor({ sites, libraries, unseen, loadBundles }: UnwatchedParts) {
    this.#libraries = libraries;
    this.#makeBundles = () => new (loadBundles().Bundles)(unseen);
    const [, main = ''] = process.argv;
    if (isMainThread && path.isAbsolute(main)) this.#add(main);
    guarded('connects', () => watchConnects({ sites, libraries, unseen, onOwnFile: (file) => this.#add(file) }));
  }

  /** A little at each tick; what may have come past the loader less and less often. */
  tick(): void {
    if (++this.#ticks === this.#scansAt) {
      this.#scansAt *= 2;
      this.#libraries.scan();
    }
    this.#read();
  }

  /** All that is left to do, before a last look. */
  finish(): void {
    this.#libraries.scan();
    while (this.#read());
  }

  #add(file: string): void {
    if (this.#added.has(file) || installedAs(file) !== null) return;
    this.#added.add(file);
    this.#files.push(file);
  }

  #read(): boolean {
    return guarded(PART, () => this.#readOn()) ?? false;
  }

  #readOn(): boolean {
    for (const file of this.#files.splice(0)) {
      const stats = statSync(file, { throwIfNoEntry: false });
      if (!stats?.isFile() || stats.size < LEAST) continue;
      this.#bundles ??= this.#makeBundles();
      this.#bundles.add(file);
    }
    return this.#bundles?.step() ?? false;
  }
}
