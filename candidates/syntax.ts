/** A syntax tree in the form of ESTree, with TypeScript's nodes, as far as candidates need it. */
export interface Node {
  type: string;
  /** Offsets in the source, in UTF-16 units. */
  start: number;
  end: number;
  [field: string]: unknown;
}

/** TypeScript's nodes that are evaluated; all others are types. */
const WRAPPERS = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression', 'TSTypeAssertion']);
const TRANSPARENT = new Set([...WRAPPERS, 'ParenthesizedExpression', 'ChainExpression', 'AwaitExpression']);
const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

export function isFunction(node: Node): boolean {
  return FUNCTIONS.has(node.type);
}

/** What is evaluated of a node, in the order of the source: no types. */
export function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter((value): value is Node => isNode(value) && (!value.type.startsWith('TS') || WRAPPERS.has(value.type)))
    .sort((a, b) => a.start - b.start);
}

/** The node and all below it, in the order of the source. */
export function* within(node: Node): Generator<Node> {
  const open = [node];
  for (let next = open.pop(); next; next = open.pop()) {
    yield next;
    open.push(...childrenOf(next).reverse());
  }
}

/** Without `await`, parentheses and what TypeScript puts around an expression. */
export function bare(node: Node): Node {
  return isTransparent(node) ? bare((node.argument ?? node.expression) as Node) : node;
}

export function isTransparent(node: Node): boolean {
  return TRANSPARENT.has(node.type);
}

export function isNamed(node: unknown, name: string): boolean {
  return isNode(node) && node.type === 'Identifier' && node.name === name;
}

/** `b` of `a.b`, `a?.b`, `a.#b` and `a[Symbol.b]`, and `a` of `a`. */
export function lastName(node: Node): string {
  const inner = bare(node);
  if (inner.type !== 'MemberExpression') return typeof inner.name === 'string' ? inner.name : '';
  const property = inner.property as Node;
  if (!inner.computed) return String(property.name);
  return property.type === 'MemberExpression' && isNamed(property.object, 'Symbol') ? lastName(property) : '';
}

/** What a method is called on, or null for a plain call. */
export function receiverOf(call: Node): Node | null {
  const callee = bare(call.callee as Node);
  return callee.type === 'MemberExpression' ? bare(callee.object as Node) : null;
}

export function argumentsOf(call: Node): Node[] {
  return (call.arguments ?? []) as Node[];
}

/** As V8 tells it: both from 1, in UTF-16 units. */
export interface Position {
  line: number;
  column: number;
}

export function positionsOf(text: string): (offset: number) => Position {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return (offset) => {
    const after = starts.findIndex((start) => start > offset);
    const line = after < 0 ? starts.length : after;
    return { line, column: offset - (starts[line - 1] ?? 0) + 1 };
  };
}
