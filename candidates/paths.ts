/**
 * The paths through a function on which something acquired is not released. Every call, `await` and `throw` may throw,
 * but for those of loggers and the like. It errs: values are not followed (a flag that is `false` here is not known),
 * labels are taken for the innermost loop, and what another function does with it is told by that one's name.
 */
import { closureOf, isGivenAway, isRelease, isValueOf, LOGGERS, releasesIn, type Subject } from './subject.ts';
import {
  argumentsOf,
  bare,
  childrenOf,
  isFunction,
  isNamed,
  isNode,
  lastName,
  type Node,
  receiverOf,
  within,
} from './syntax.ts';

interface Held {
  /** The line of what threw since and was caught. */
  thrownAt: number | null;
}

type How = 'may throw' | 'throws' | 'returns' | 'ends' | 'breaks' | 'begins anew';

export interface Exit {
  how: How;
  line: number;
  held: Held;
  /** Nothing around it can release any more: it is a callback's, or the next round's. */
  isFinal: boolean;
}

/** What may be held where a node is done, and where it is left before: the exits with something held alone. */
interface Flow {
  held: Held | null;
  exits: Exit[];
}

type Step = (subject: Subject, node: Node, held: Held | null) => Flow;

const GONE: Flow = { held: null, exits: [] };
const THROWS = new Set(['CallExpression', 'NewExpression', 'AwaitExpression', 'YieldExpression', 'ImportExpression']);
const HARMLESS_RECEIVERS = /^(?:Math|Date|performance|process)$/;
const HARMLESS = new Set([
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval'],
  ...['Error', 'TypeError', 'Map', 'Set', 'Date', 'Promise', 'AbortController'],
]);
const HARMLESS_METHODS = new Set(['ref', 'unref', 'on', 'once', 'addListener', 'addEventListener']);

/** Every exit of a function's body that leaves with it held, in the order of the walk. */
export function lossesIn(subject: Subject, body: Node): Exit[] {
  const start = subject.binder === null ? { thrownAt: null } : null;
  const isBlock = body.type === 'BlockStatement';
  const { held, exits } = isBlock ? walk(subject, body, start) : returned(subject, body, start, body.start);
  return [...exits, ...exitIf(held, 'ends', subject.lineOf(body.end - 1))];
}

function exitIf(held: Held | null, how: How, line: number, isFinal = false): Exit[] {
  return held ? [{ how, line, held, isFinal }] : [];
}

function walk(subject: Subject, node: Node, held: Held | null): Flow {
  const step = STEPS[node.type];
  if (step) return step(subject, node, held);
  if (isFunction(node)) return callback(subject, node, held);
  const flow = inOrder(subject, childrenOf(node), held);
  return THROWS.has(node.type) ? throwing(subject, node, flow) : flow;
}

function inOrder(subject: Subject, nodes: readonly Node[], held: Held | null): Flow {
  return nodes.reduce<Flow>(
    (flow, node) => {
      const next = walk(subject, node, flow.held);
      return { held: next.held, exits: [...flow.exits, ...next.exits] };
    },
    { held, exits: [] },
  );
}

function maybe(subject: Subject, node: unknown, held: Held | null): Flow {
  return isNode(node) ? walk(subject, node, held) : { held, exits: [] };
}

function throwing(subject: Subject, node: Node, { held, exits }: Flow): Flow {
  return { held, exits: [...exits, ...exitIf(held, 'may throw', subject.lineOf(node.start))] };
}

/** A function that is made here and runs later: with a release in it, it is what gives the thing back. */
function callback(subject: Subject, node: Node, held: Held | null): Flow {
  if (!held || !releasesIn(subject, node)) return { held, exits: [] };
  const own = lossesIn({ ...subject, binder: null }, node.body as Node);
  return { held: null, exits: own.map((exit) => ({ ...exit, isFinal: true })) };
}

function call(subject: Subject, node: Node, held: Held | null): Flow {
  if (isRelease(subject, node)) return GONE;
  const method = lastName(node.callee as Node);
  const receiver = receiverOf(node);
  if (method === 'exit' && receiver && isNamed(receiver, 'process')) return GONE;
  const flow = inOrder(subject, childrenOf(node), held);
  if (receiver && settles(subject, method, argumentsOf(node))) {
    return { held: null, exits: flow.exits.filter(({ how }) => how !== 'may throw') };
  }
  if (isGivenAway(subject, node)) return { held: null, exits: flow.exits };
  const isHarmless = receiver
    ? [LOGGERS, HARMLESS_RECEIVERS].some((pattern) => pattern.test(lastName(receiver))) || HARMLESS_METHODS.has(method)
    : HARMLESS.has(method);
  return isHarmless ? flow : throwing(subject, node, flow);
}

/** `.finally(release)`, `.catch(release)` and `.then(…, release)`: what rejects before it is released there. */
function settles(subject: Subject, method: string, given: readonly Node[]): boolean {
  const handler = method === 'then' ? given[1] : ['finally', 'catch'].includes(method) ? given[0] : undefined;
  if (!handler) return false;
  return releasesIn(subject, handler) || subject.releasers.has(lastName(handler));
}

/** A declaration or an assignment: the one that is followed, one that gives it another name, or any other. */
function binding(subject: Subject, node: Node, held: Held | null): Flow {
  const value = (node.type === 'VariableDeclarator' ? node.init : node.right) as Node | null;
  if (node.type === 'VariableDeclarator' && closureOf(node)) return { held, exits: [] };
  const flow = maybe(subject, value, held);
  if (node === subject.binder)
    return { held: endsItself(subject, node) ? null : { thrownAt: null }, exits: flow.exits };
  return isValueOf(subject.name, value) ? { held: null, exits: flow.exits } : flow;
}

/** An interval whose own function clears it. */
function endsItself(subject: Subject, binder: Node): boolean {
  const isReleaser = ({ type, name }: Node) => type === 'Identifier' && subject.releasers.has(String(name));
  return releasesIn(subject, binder) || [...within(binder)].some(isReleaser);
}

function returned(subject: Subject, value: unknown, held: Held | null, offset: number): Flow {
  const flow = maybe(subject, value, held);
  const left = isValueOf(subject.name, value) ? null : flow.held;
  return { held: null, exits: [...flow.exits, ...exitIf(left, 'returns', subject.lineOf(offset))] };
}

/** What may be held where a test is true, and where it is false. */
function split({ name, failure }: Subject, test: Node, held: Held | null): [Held | null, Held | null] {
  const there = presence(test, name);
  if (there !== null) return there ? [held, null] : [null, held];
  const failed = failure === null ? null : presence(test, failure);
  if (failed !== null) return failed ? [null, held] : [held, null];
  return [held, held];
}

/** `v`, `!v`, `v !== null`, `v == null`: whether the test is true when there is one; null: it asks for something else. */
function presence(test: Node, name: string): boolean | null {
  const inner = bare(test);
  if (isNamed(inner, name)) return true;
  if (inner.type === 'UnaryExpression' && inner.operator === '!') {
    const negated = presence(inner.argument as Node, name);
    return negated === null ? null : !negated;
  }
  if (inner.type !== 'BinaryExpression' || !isNamed(bare(inner.left as Node), name)) return null;
  const isNothing = isNamed(inner.right, 'undefined') || (inner.right as Node).value === null;
  return isNothing ? (inner.operator as string).startsWith('!') : null;
}

function branches(subject: Subject, node: Node, held: Held | null): Flow {
  const isLogical = node.type === 'LogicalExpression';
  const test = (isLogical ? node.left : node.test) as Node;
  const tested = walk(subject, test, held);
  const [isTrue, isFalse] = split(subject, test, tested.held);
  const [yes, no] = isLogical
    ? node.operator === '&&'
      ? [node.right, null]
      : [null, node.right]
    : [node.consequent, node.alternate];
  const first = maybe(subject, yes, isTrue);
  const second = maybe(subject, no, isFalse);
  // `if (!released) client.release()`: such a flag says whether it is released already
  const isFlag = bare(test).type === 'UnaryExpression' && isNode(yes) && releasesIn(subject, yes);
  const after = isFlag && !no ? first.held : (first.held ?? second.held);
  return { held: after, exits: [...tested.exits, ...first.exits, ...second.exits] };
}

function attempt(subject: Subject, node: Node, held: Held | null): Flow {
  const body = walk(subject, node.block as Node, held);
  const caught = node.handler ? rescue(subject, node.handler as Node, body) : body;
  if (!node.finalizer) return caught;
  const finalizer = node.finalizer as Node;
  const last = walk(subject, finalizer, caught.held);
  // what it does for one exit it does for all
  const [first] = caught.exits.filter(({ isFinal }) => !isFinal);
  const left = walk(subject, finalizer, first?.held ?? null);
  const exits = caught.exits.filter(({ isFinal }) => isFinal || left.held);
  return { held: last.held, exits: [...exits, ...left.exits, ...last.exits] };
}

function rescue(subject: Subject, handler: Node, { held, exits }: Flow): Flow {
  const isCaught = ({ how, isFinal }: Exit) => !isFinal && (how === 'throws' || how === 'may throw');
  const thrown = exits.find(isCaught);
  const caught = thrown ? { thrownAt: thrown.held.thrownAt ?? thrown.line } : null;
  const flow = walk(subject, handler.body as Node, caught);
  return { held: held ?? flow.held, exits: [...exits.filter((exit) => !isCaught(exit)), ...flow.exits] };
}

function loop(subject: Subject, node: Node, held: Held | null): Flow {
  const parts = [node.init, node.right, node.test].filter(isNode);
  const before = inOrder(subject, parts, held);
  const body = walk(subject, node.body as Node, before.held);
  const round = inOrder(subject, [node.update].filter(isNode), body.held);
  const isOf = (how: How) => (exit: Exit) => !exit.isFinal && exit.how === how;
  const broken = body.exits.find(isOf('breaks'))?.held ?? null;
  const again = [
    ...body.exits.filter(isOf('begins anew')),
    ...exitIf(round.held, 'begins anew', subject.lineOf((node.body as Node).end - 1)),
  ];
  const others = [...before.exits, ...body.exits.filter((exit) => !isOf('breaks')(exit) && !isOf('begins anew')(exit))];
  const test = isNode(node.test) ? node.test : null;
  const asksForIt = test !== null && [...within(test)].some((each) => isNamed(each, subject.name));
  const isTakenInside = subject.binder !== null && [...within(node.body as Node)].includes(subject.binder);
  if (isTakenInside && !asksForIt) {
    return { held: broken, exits: [...others, ...again.map((exit) => ({ ...exit, isFinal: true }))] };
  }
  const isEndless = node.type.startsWith('While') ? test?.value === true : node.type === 'ForStatement' && !test;
  const list = (isNode(node.right) ? node.right.elements : undefined) as Node[] | undefined;
  const runsOnce = node.type === 'DoWhileStatement' || (list?.length ?? 0) > 0;
  const after = isEndless ? null : ((runsOnce ? null : before.held) ?? again[0]?.held ?? null);
  return { held: broken ?? after, exits: others };
}

function choice(subject: Subject, node: Node, held: Held | null): Flow {
  const asked = walk(subject, node.discriminant as Node, held);
  const cases = node.cases as Node[];
  const flow = cases.reduce<Flow>(
    (sum, each) => {
      const own = inOrder(subject, each.consequent as Node[], asked.held ?? sum.held);
      return { held: own.held, exits: [...sum.exits, ...own.exits] };
    },
    { held: null, exits: asked.exits },
  );
  const isBreak = ({ how, isFinal }: Exit) => how === 'breaks' && !isFinal;
  const skipped = cases.some(({ test }) => test === null) ? null : asked.held;
  const after = flow.held ?? flow.exits.find(isBreak)?.held ?? skipped;
  return { held: after, exits: flow.exits.filter((exit) => !isBreak(exit)) };
}

function leave(how: How): Step {
  return (subject, node, held) => {
    const flow = maybe(subject, node.argument, held);
    return { held: null, exits: [...flow.exits, ...exitIf(flow.held, how, subject.lineOf(node.start))] };
  };
}

const STEPS: Record<string, Step> = {
  CallExpression: call,
  NewExpression: call,
  VariableDeclarator: binding,
  AssignmentExpression: binding,
  FunctionDeclaration: (_subject, _node, held) => ({ held, exits: [] }),
  ReturnStatement: (subject, node, held) => returned(subject, node.argument, held, node.start),
  ThrowStatement: leave('throws'),
  BreakStatement: leave('breaks'),
  ContinueStatement: leave('begins anew'),
  IfStatement: branches,
  ConditionalExpression: branches,
  LogicalExpression: branches,
  TryStatement: attempt,
  ForStatement: loop,
  ForInStatement: loop,
  ForOfStatement: loop,
  WhileStatement: loop,
  DoWhileStatement: loop,
  SwitchStatement: choice,
};
