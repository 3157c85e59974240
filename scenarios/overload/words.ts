/** Figures in the sentences of claims. */
import type { Measured } from '../../reports/comparison/comparison.ts';

export const count = (value: number): string => value.toLocaleString('en-US');
export const ms = (value: number): string => `${count(Math.round(value * 10) / 10)} ms`;

/** `per-slot 4.8 ms, per-job 1 ms`. */
export function each(variants: readonly Measured[], figure: (variant: Measured) => string): string {
  return variants.map((variant) => `${variant.variant} ${figure(variant)}`).join(', ');
}

export const cpu = ({ server }: Measured): string => (server ? ms(server.cpuPerTransaction) : 'not measured');
export const memory = ({ server }: Measured): string =>
  server ? `${count(Math.round(server.memoryPerTransactionBytes / 1024))} kB` : 'not measured';

/** Of server numbers: for claims that are `ofServer`. */
export function costsMore(
  a: Measured,
  b: Measured,
  figure: 'cpuPerTransaction' | 'memoryPerTransactionBytes',
): boolean {
  return a.server !== null && b.server !== null && a.server[figure] > b.server[figure];
}
