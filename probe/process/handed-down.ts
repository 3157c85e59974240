/** What a child process is handed down in its environment, as /proc shows it of those that it starts in turn. */

/** One variable, so that an `OUTLIVE_*` variable of the service's own stays as it was given: JSON of the others. */
export const HANDED_DOWN = 'OUTLIVE_HANDED_DOWN';
/** Of a child, among those of all threads of the process that started it. */
export const NUMBER = 'OUTLIVE_CHILD';

/** Which of the children of a process it was started as, or by; `pairs`: its environment. Null: none of a probed one. */
export function inheritedNumber(pairs: readonly string[]): number | null {
  const number = handedDownIn(pairs)?.match(/"OUTLIVE_CHILD":"(\d+)"/)?.[1];
  return number === undefined ? null : Number(number);
}

export function isHandedDownBy(pairs: readonly string[], pid: number): boolean {
  return handedDownIn(pairs)?.includes(`"OUTLIVE_PARENT":"${pid}"`) === true;
}

function handedDownIn(pairs: readonly string[]): string | undefined {
  return pairs.find((pair) => pair.startsWith(`${HANDED_DOWN}=`));
}
