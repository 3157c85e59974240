/** The faults that can be mixed into an overload. */
export const FAULTS = ['none', 'slow-queries', 'latency', 'bandwidth', 'drops', 'restart'] as const;
export type FaultName = (typeof FAULTS)[number];
