/**
 * What the probe has changed in the process, so that it can be taken back when the probe leaves a process that it was
 * attached to. What somebody has replaced since is theirs: our part in it does nothing any more, see lapses.ts.
 */
const changes: (() => void)[] = [];

/** `undo` takes back a change that was just made. */
export function onLeave(undo: () => void): void {
  changes.push(undo);
}

/** Takes all back, the last change first; one that cannot be taken back keeps none of the others. */
export function takeBack(): void {
  for (let undo = changes.pop(); undo !== undefined; undo = changes.pop()) {
    try {
      undo();
    } catch {
      // frozen or sealed since
    }
  }
}

/** Puts `before` in the place of `own`, where that still is. */
export function putBack(owner: object, key: PropertyKey, own: unknown, before: PropertyDescriptor | undefined): void {
  if (Object.getOwnPropertyDescriptor(owner, key)?.value !== own) return;
  if (before === undefined) Reflect.deleteProperty(owner, key);
  else Object.defineProperty(owner, key, before);
}
