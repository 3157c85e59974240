/** The statement that is added to a file of an ES module: it hands over what the file is to be watched by, and takes it back. */
import type { Package } from '../adapters.ts';

type Es = NonNullable<Package['es']>;

/** By which it finds who takes them, on the global object. */
export const KEY = 'outlive.es';

/** Given the file's URL and its declarations; returns them, some replaced. */
export type Hand = (url: string, exports: Record<string, unknown>) => Record<string, unknown>;

/** The names are of functions and classes, which are variables; a function is there before its file runs. */
export function withStatement(source: string, { when, names }: Es): string {
  const members = `{ ${names.join(', ')} }`;
  const statement = `;(${members} = globalThis[Symbol.for('${KEY}')]?.(import.meta.url, ${members}) ?? ${members});`;
  return when === 'before' ? statement + source : `${source}\n${statement}\n`;
}
