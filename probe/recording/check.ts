/**
 * What a value that was read must be like to be believed, put together from small checks. `NO_SIDE_EFFECTS` lets a
 * bundle that reads nothing leave out the checks it has no use for.
 */

export type Check = (value: unknown) => boolean;

export const text: Check = (value) => typeof value === 'string';
export const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
/** Milliseconds, of a clock or since some moment: two of them added up are still a date. */
export const time: Check = (value) => number(value) && Math.abs(value as number) <= 4e15;
export const flag: Check = (value) => typeof value === 'boolean';

/* @__NO_SIDE_EFFECTS__ */
export function maybe(check: Check): Check {
  return (value) => value === null || check(value);
}

/* @__NO_SIDE_EFFECTS__ */
export function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

/* @__NO_SIDE_EFFECTS__ */
export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/* @__NO_SIDE_EFFECTS__ */
export function tuple(...checks: Check[]): Check {
  return (value) => Array.isArray(value) && checks.every((check, i) => check(value[i]));
}

/* @__NO_SIDE_EFFECTS__ */
export function oneOf(words: readonly string[]): Check {
  return (value) => words.includes(value as string);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/* @__NO_SIDE_EFFECTS__ */
export function recordOf(check: Check, keys?: readonly string[]): Check {
  return (value) =>
    isObject(value) && Object.entries(value).every(([key, each]) => check(each) && (keys?.includes(key) ?? true));
}

/* @__NO_SIDE_EFFECTS__ */
export function shape(checks: Record<string, Check>): Check {
  return (value) => {
    if (!isObject(value)) return false;
    // each process makes all shapes, and checks few entries: a list of their fields is not made for each
    for (const name in checks) if (!checks[name]?.(value[name])) return false;
    return true;
  };
}
