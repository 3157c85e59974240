/** Runs of the fixed variant: three times as many as the leaking one lives for. */
export const FIXED_RUNS = 90;
