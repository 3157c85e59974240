/** The one thing that is followed through a function: its name there, and what gives it back or away. */
import { type Acquirer, DISPOSERS } from './acquirers.ts';
import type { Named } from './acquisitions.ts';
import { argumentsOf, bare, isFunction, isNamed, isNode, lastName, type Node, receiverOf, within } from './syntax.ts';

export interface Subject {
  name: string;
  acquirer: Acquirer;
  /** From here on it is held; null: from the start, as a callback's parameter. */
  binder: Node | null;
  /** A callback's first parameter: where that is set, nothing was acquired. */
  failure: string | null;
  /** Functions that give it back when they are called: a callback's `done`, and closures with a release in them. */
  releasers: ReadonlySet<string>;
  /** Functions of the file that release what they are given. */
  takers: ReadonlySet<string>;
  /** Somewhere in the function it is released: whom it is passed to has only borrowed it. */
  isReleased: boolean;
  lineOf(offset: number): number;
}

/** Functions of others whose name says that they give back what they are given. */
const TAKES_BACK = /^(?:release|close|dispose|destroy|clean|rollback|commit|finish)/i;
export const LOGGERS = /^(?:console|log|logger)$/;
const KEEPS = new Set(['push', 'add', 'set', 'unshift', 'resolve', 'callback', 'cb']);

type Releasing = Pick<Subject, 'name' | 'acquirer' | 'releasers' | 'takers'>;

/** `takers` are the file's, see `takersIn`. */
export function subjectOf(
  { name, body, binder, failure, done }: Named,
  acquirer: Acquirer,
  { takers, lineOf }: Pick<Subject, 'takers' | 'lineOf'>,
): Subject {
  const given = new Set(done === null ? [] : [done]);
  const releasing = withClosures(body, { name, acquirer, takers, releasers: given });
  return { ...releasing, binder, failure, lineOf, isReleased: releasesIn(releasing, body) };
}

/** With the closures that release, and those that call these. */
function withClosures(body: Node, releasing: Releasing): Releasing {
  const names = [...within(body)].flatMap((node) => {
    const closure = closureOf(node);
    return closure && releasesIn(releasing, closure) ? [lastName(node.id as Node)] : [];
  });
  const releasers = new Set([...releasing.releasers, ...names]);
  const all = { ...releasing, releasers };
  return releasers.size > releasing.releasers.size ? withClosures(body, all) : all;
}

/** The functions of a file that release what they are given. */
export function takersIn(program: Node, acquirer: Acquirer): ReadonlySet<string> {
  const none = { acquirer, releasers: new Set<string>(), takers: new Set<string>() };
  const names = [...within(program)].flatMap((node) => {
    const closure = closureOf(node);
    const params = ((closure?.params ?? []) as Node[]).filter(({ type }) => type === 'Identifier');
    const isTaker = params.some(({ name }) => releasesIn({ ...none, name: String(name) }, closure?.body as Node));
    return isTaker ? [lastName(node.id as Node)] : [];
  });
  return new Set(names);
}

/** The function that a declaration gives a name. */
export function closureOf(node: Node): Node | null {
  if (node.type === 'FunctionDeclaration') return node;
  const init = node.type === 'VariableDeclarator' && isNode(node.init) ? bare(node.init) : null;
  return init && isFunction(init) ? init : null;
}

export function releasesIn(releasing: Releasing, node: Node): boolean {
  return [...within(node)].some((each) => isRelease(releasing, each));
}

/** `v.release()`, `pool.release(v)`, `clearInterval(v)`, `done()`. */
export function isRelease({ name, acquirer, releasers, takers }: Releasing, node: Node): boolean {
  if (node.type !== 'CallExpression') return false;
  const method = lastName(node.callee as Node);
  const receiver = receiverOf(node);
  if (receiver && isNamed(receiver, name)) return acquirer.methods.includes(method) || DISPOSERS.includes(method);
  if (!receiver && releasers.has(method)) return true;
  const isGiven = argumentsOf(node).some((argument) => isNamed(bare(argument), name));
  return isGiven && (acquirer.takers.includes(method) || (!receiver && takers.has(method)) || TAKES_BACK.test(method));
}

/** A call that makes it somebody else's: kept in a list or an object, or passed on by who never releases it. */
export function isGivenAway(subject: Subject, node: Node): boolean {
  const given = argumentsOf(node);
  const receiver = receiverOf(node);
  if (receiver && LOGGERS.test(lastName(receiver))) return false;
  if (given.some((argument) => argument.type === 'Identifier' && subject.releasers.has(argument.name as string))) {
    return true;
  }
  if (!given.some((argument) => isValueOf(subject.name, argument))) return false;
  return node.type === 'NewExpression' || !subject.isReleased || KEEPS.has(lastName(node.callee as Node));
}

/** A node that makes it somebody else's in any way. */
export function handsOn(subject: Subject, node: Node): boolean {
  if (node.type === 'CallExpression' || node.type === 'NewExpression') return isGivenAway(subject, node);
  const value = { ReturnStatement: node.argument, AssignmentExpression: node.right }[node.type];
  return node !== subject.binder && isValueOf(subject.name, value);
}

/** The expression's value is it, or has it in it. */
export function isValueOf(name: string, node: unknown): boolean {
  if (!isNode(node)) return false;
  const inner = bare(node);
  if (isFunction(inner)) return [...within(inner)].some((each) => isNamed(each, name));
  return isNamed(inner, name) || (PARTS[inner.type]?.(inner) ?? []).some((part) => isValueOf(name, part));
}

const PARTS: Record<string, (node: Node) => unknown[]> = {
  ObjectExpression: (node) => node.properties as unknown[],
  Property: (node) => [node.value],
  SpreadElement: (node) => [node.argument],
  ArrayExpression: (node) => node.elements as unknown[],
  ConditionalExpression: (node) => [node.consequent, node.alternate],
  LogicalExpression: (node) => [node.left, node.right],
  AssignmentExpression: (node) => [node.right],
};
