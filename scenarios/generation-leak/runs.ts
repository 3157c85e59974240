/** Runs of the fixed variant: three times as many as the leaking one lives for. */
export const FIXED_RUNS = 90;

/** Where each submission's code is loaded, and left behind. */
export const PLACES = ['job-manager', 'task-manager', 'worker'] as const;
export type Place = (typeof PLACES)[number];

/** A heap that fills up while a test waits for it. */
export const SMALL_HEAP = ['--max-old-space-size=128', '--max-semi-space-size=2'];
export const WORKER_MB = 96;

export const SEEDS = Array.from({ length: 10 }, (_, index) => String(index + 1));

/** Entries of what a job brings along: between 12,000 and 30,000, by the seed; 20,000 for the first. */
export function feedOf(seed: number): number {
  return 12_000 + ((8_000 + (seed - 1) * 7_919) % 18_001);
}
