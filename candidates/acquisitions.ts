/** The places in a file where something is acquired, and what becomes of it there. */
import { ACQUIRERS, type Acquirer, DISPOSERS } from './acquirers.ts';
import { type Names, namesOf } from './imports.ts';
import { argumentsOf, bare, childrenOf, isFunction, isTransparent, lastName, type Node, receiverOf } from './syntax.ts';

export interface Acquisition {
  acquirer: Acquirer;
  call: Node;
  fate: Fate;
}

/** A name in a function, or a callback's parameter: that can be followed. */
export interface Named {
  is: 'named';
  name: string;
  body: Node;
  /** What gives it the name; null: it has it from the start. */
  binder: Node | null;
  /** The callback's other parameters: the error, and what releases. */
  failure: string | null;
  done: string | null;
}

/** What becomes of it: a name, a property or a name outside the function, or nothing. */
export type Fate = Named | { is: 'kept'; name: string } | { is: 'dropped' };

/** In the order of the source. What is acquired once per process, outside every function, is left out. */
export function acquisitionsIn(program: Node): Acquisition[] {
  const rows = ACQUIRERS.map((acquirer) => ({ acquirer, names: namesOf(program, acquirer.from ?? [], acquirer.call) }));
  // such as the asynchronous iterator of node:timers/promises
  const others = namesOf(program, ['timers/promises', 'node:timers/promises'], 'setInterval').functions;
  return withAncestors(program, []).flatMap(([call, ancestors]) => {
    const row = rows.find(({ acquirer, names }) => isCallOf(acquirer, names, call));
    if (!row || others.has(lastName(call.callee as Node))) return [];
    const fate = fateOf(row.acquirer, call, ancestors);
    return fate ? [{ acquirer: row.acquirer, call, fate }] : [];
  });
}

/** Every call, with all that is around it, the nearest first. */
function withAncestors(node: Node, ancestors: readonly Node[]): [Node, readonly Node[]][] {
  const below = childrenOf(node).flatMap((child) => withAncestors(child, [node, ...ancestors]));
  return node.type === 'CallExpression' ? [[node, ancestors], ...below] : below;
}

function isCallOf({ call: name, on, from, notWithFunction }: Acquirer, names: Names, call: Node): boolean {
  if (notWithFunction && argumentsOf(call).some((argument) => isFunction(bare(argument)))) return false;
  const called = lastName(call.callee as Node);
  const receiver = receiverOf(call);
  if (!receiver) return names.functions.has(called) || (called === name && on === null && !from);
  return called === name && ((on?.test(lastName(receiver)) ?? false) || names.modules.has(lastName(receiver)));
}

function fateOf(acquirer: Acquirer, call: Node, ancestors: readonly Node[]): Fate | null {
  const body = bodyAround(ancestors);
  if (!body) return null;
  const callback = acquirer.callback === undefined ? undefined : argumentsOf(call).at(-1);
  if (callback && isFunction(callback)) return givenTo(callback, acquirer.callback ?? 0);
  const [value, around] = outermost(call, ancestors);
  const parent = around[0] as Node;
  if (parent.type === 'MemberExpression' && lastName(parent) === 'then') {
    const then = argumentsOf(around[1] as Node)[0];
    return acquirer.isAwaited && then && isFunction(then) ? givenTo(then, 0) : null;
  }
  if (acquirer.isAwaited && !isAwaited(value)) return null;
  if (parent.type === 'VariableDeclarator') {
    const { id } = parent as Node & { id: Node };
    const isDisposed = String(around[1]?.kind).endsWith('using');
    return id.type === 'Identifier' && !isDisposed ? boundBy(parent, String(id.name), body) : null;
  }
  if (parent.type === 'AssignmentExpression') {
    const name = lastName(parent.left as Node);
    const isOwn = (parent.left as Node).type === 'Identifier' && declares(body, name);
    return isOwn ? boundBy(parent, name, body) : { is: 'kept', name };
  }
  if (parent.type === 'MemberExpression') return isEnd(acquirer, lastName(parent)) ? null : { is: 'dropped' };
  return parent.type === 'ExpressionStatement' ? { is: 'dropped' } : null;
}

function isEnd({ methods }: Acquirer, method: string): boolean {
  return methods.includes(method) || DISPOSERS.includes(method);
}

function givenTo(callback: Node, place: number): Fate | null {
  const names = (callback.params as Node[]).map(({ type, name }) => (type === 'Identifier' ? String(name) : null));
  const name = names[place];
  if (!name) return null;
  const [failure = null, done = null] = place === 0 ? [] : [names[0], names[place + 1]];
  return { is: 'named', name, body: callback.body as Node, binder: null, failure, done };
}

function boundBy(binder: Node, name: string, body: Node): Named {
  return { is: 'named', name, body, binder, failure: null, done: null };
}

/** With `await`, what TypeScript puts around it, and `.unref()`, which gives the timer itself. */
function outermost(node: Node, ancestors: readonly Node[]): [Node, readonly Node[]] {
  const [parent, call, ...others] = ancestors;
  if (parent && isTransparent(parent)) return outermost(parent, ancestors.slice(1));
  const isChained = parent?.type === 'MemberExpression' && ['ref', 'unref'].includes(lastName(parent));
  return isChained && call?.type === 'CallExpression' ? outermost(call, others) : [node, ancestors];
}

function isAwaited(value: Node): boolean {
  if (value.type === 'AwaitExpression') return true;
  return isTransparent(value) && isAwaited((value.argument ?? value.expression) as Node);
}

function isCalledHere(node: Node, ancestors: readonly Node[]): boolean {
  const around = ancestors.find((each) => !isTransparent(each));
  return around?.type === 'CallExpression' && bare(around.callee as Node) === node;
}

function bodyAround(ancestors: readonly Node[]): Node | null {
  const around = ancestors.find(isFunction);
  // one that is called where it stands runs as often as what is around it
  const isLasting = ancestors.some((node, i) => isFunction(node) && !isCalledHere(node, ancestors.slice(i + 1)));
  return around && isLasting ? (around.body as Node) : null;
}

/** In the function itself, not in those within it. */
function declares(node: Node, name: string): boolean {
  return childrenOf(node).some((child) => {
    if (isFunction(child)) return false;
    return (child.type === 'VariableDeclarator' && lastName(child.id as Node) === name) || declares(child, name);
  });
}
