/** What a timer calls: a method of which object, by whose code. */
import { isOfProbe } from './own.ts';
import type { Snapshot } from './snapshot.ts';

/** So many functions, contexts and promises lie between a timer and the method that waits for it. */
const MOST_HOPS = 24;
/** Edges to the object that a method is of. */
const SELF: ReadonlySet<string> = new Set(['this', 'bound_this', 'receiver']);
const BOUND = /^bound_(?:this|function|argument_\d+)$/;
const OF_LIBRARY = /[\\/]node_modules[\\/]|^node:/;

/** Whether a package or Node.js has set a timer, rather than the program. */
export function isOfLibrary(snapshot: Snapshot, timer: number): boolean {
  const callback = snapshot.follow(timer, '_onTimeout');
  const file = callback === null ? undefined : fileOf(snapshot, callback);
  return file !== undefined && OF_LIBRARY.test(file);
}

/** Whether its callback is the program's; that of `setTimeout(resolve)` is nobody's. */
export function isSetByProgram(snapshot: Snapshot, timer: number): boolean {
  const callback = snapshot.follow(timer, '_onTimeout');
  return callback !== null && isOfProgram(snapshot, callback);
}

/**
 * Whether a timer's callback is a method of one of these, was made in one, or goes on with one that awaits it, without any
 * code of the program in between: it is that object's own.
 */
export function isMethodOf(snapshot: Snapshot, timer: number, objects: ReadonlySet<number>): boolean {
  const callback = snapshot.follow(timer, '_onTimeout');
  if (callback === null) return false;
  const met = new Set([callback]);
  for (const node of met) {
    if (met.size > MOST_HOPS) return false;
    const isCode = snapshot.type(node) === 'closure' || snapshot.name(node) === 'Generator';
    // somebody of the program's waits for it, too
    if (isCode && node !== callback && isOfProgram(snapshot, node)) return false;
    const [from, to] = snapshot.edgesOf(node);
    for (let edge = from; edge < to; edge++) {
      const [name, target] = [snapshot.edgeName(edge), snapshot.target(edge)];
      if (SELF.has(name) && snapshot.type(target) !== 'closure') {
        if (objects.has(target)) return true;
        // another object's
        if (name !== 'receiver' || snapshot.type(target) === 'object') continue;
      }
      if (leadsOn(snapshot, edge)) met.add(target);
    }
  }
  return false;
}

/** From a function to its context and what is bound to it, and from a promise to what awaits it. */
function leadsOn(snapshot: Snapshot, edge: number): boolean {
  const [name, target] = [snapshot.edgeName(edge), snapshot.target(edge)];
  const [type, what] = [snapshot.edgeType(edge), snapshot.name(target)];
  if (BOUND.test(name)) return snapshot.type(target) === 'closure';
  if (type === 'internal' && ['context', 'previous', 'extension', 'reactions_or_result'].includes(name)) {
    return ['system / Context', 'Generator', 'system / PromiseReaction', 'Promise'].includes(what);
  }
  return (
    type === 'hidden' &&
    (what === 'Promise' || what === 'system / PromiseReaction' || snapshot.type(target) === 'closure')
  );
}

/** Of a function of a package: that package's. */
export function packageFolderOf(snapshot: Snapshot, code: number): string | null {
  if (snapshot.type(code) !== 'closure') return null;
  const file = snapshot.placeOf(code)?.file;
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+[\\/]/.exec(file ?? '')?.[0] ?? null;
}

export function isOfProgram(snapshot: Snapshot, code: number): boolean {
  const file = fileOf(snapshot, code);
  return file !== undefined && !OF_LIBRARY.test(file) && !isOfProbe(snapshot, codeOf(snapshot, code));
}

function fileOf(snapshot: Snapshot, code: number): string | undefined {
  return snapshot.placeOf(codeOf(snapshot, code))?.file;
}

/** Of what `bind()` made, the function that it was made of. */
export function codeOf(snapshot: Snapshot, code: number): number {
  let at = code;
  for (let i = 0; i < MOST_HOPS; i++) {
    const bound = snapshot.follow(at, 'bound_function');
    if (bound === null) break;
    at = bound;
  }
  return at;
}
