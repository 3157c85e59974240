/**
 * Makes leaks: from a clean program, programs that lack one call which gives something back. Positions stay, since the
 * finding's line is what is checked.
 *
 * Programs mark both sides: `// acquires: NAME` at the acquiring line that must be named, `// gives back: NAME, NAME`
 * at the call that is taken away; alone on a line, a marker speaks of the next one. Without a marker a `release`,
 * `destroy` or `clearInterval` is taken away as well, and must turn out not to leak.
 */
import { parseAst } from 'vitest/node';

/** Never: the call is deleted. Sometimes: it is skipped in every fifth execution. */
export type Mutation = 'deleted' | 'every 5th skipped';
const MUTATIONS: readonly Mutation[] = ['deleted', 'every 5th skipped'];

export interface Mutant {
  /** Of the mutated call; the file is relative to the program's folder. */
  file: string;
  line: number;
  /** Source of the call. */
  call: string;
  mutation: Mutation;
  /** What is not given back, as the markers name it. */
  names: string[];
  /** `file:line` of the acquiring lines that may be named; none: it must not leak. */
  expected: string[];
  /** The mutated file. */
  source: string;
}

/** What gives back wherever it stands, and what does so on a marked line. */
const GIVES_BACK = ['release', 'destroy', 'clearInterval'];
const GIVES_BACK_IF_MARKED = [
  ...[
    ...GIVES_BACK,
    'giveBack',
    'done',
    'end',
    'close',
    'closeSync',
    'stop',
    'commit',
    'rollback',
    'kill',
    'terminate',
  ],
  ...['abort', 'off', 'removeEventListener', 'clearTimeout', 'resume', 'unwatchFile', 'cancel', 'quit', 'disconnect'],
  ...['releaseConnection', 'endSession', 'return', 'clear', 'delete', 'shift', 'query', 'exec'],
];

/** `files`: sources by name. */
export function mutantsOf(files: ReadonlyMap<string, string>): Mutant[] {
  const acquiring = new Map<string, string[]>();
  for (const [file, source] of files) {
    for (const [line, names] of markers(source, 'acquires')) {
      for (const name of names) acquiring.set(name, [...(acquiring.get(name) ?? []), `${file}:${line}`]);
    }
  }
  return [...files].flatMap(([file, source]) => {
    const marked = markers(source, 'gives back');
    const found = callsIn(source, marked);
    for (const line of marked.keys()) {
      const calls = found.filter((call) => call.line === line).length;
      if (calls !== 1) throw new Error(`${file}:${line} is marked "gives back", but has ${calls} calls that do.`);
    }
    return found.flatMap((call) => {
      const names = marked.get(call.line) ?? [];
      const expected = names.flatMap((name) => {
        const lines = acquiring.get(name);
        if (!lines) throw new Error(`${file}:${call.line} gives back "${name}", which no line acquires.`);
        return lines;
      });
      const text = source.slice(call.start, call.end);
      return MUTATIONS.map((mutation) => ({
        file,
        line: call.line,
        call: text.replace(/\s+/g, ' '),
        mutation,
        names,
        expected,
        source: source.slice(0, call.start) + replacement(text, call.isChained, mutation) + source.slice(call.end),
      }));
    });
  });
}

function replacement(call: string, isChained: boolean, mutation: Mutation): string {
  const nothing = isChained ? 'Promise.resolve()' : 'undefined';
  if (mutation === 'deleted') return nothing + '\n'.repeat(call.split('\n').length - 1);
  return `((globalThis.executions = (globalThis.executions ?? 0) + 1) % 5 ? ${call} : ${nothing})`;
}

/** Marked lines with the names that they mark. */
function markers(source: string, word: 'acquires' | 'gives back'): Map<number, string[]> {
  const lines = new Map<number, string[]>();
  source.split('\n').forEach((text, index) => {
    const [, before = '', names] = new RegExp(`^(.*)// ${word}: (.+)$`).exec(text) ?? [];
    if (names) lines.set(index + (before.trim() === '' ? 2 : 1), names.split(', '));
  });
  return lines;
}

interface Call {
  line: number;
  start: number;
  end: number;
  /** Something is done with what it returns: `release().catch(…)`. */
  isChained: boolean;
}

interface Node {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

function callsIn(source: string, marked: ReadonlyMap<number, string[]>): Call[] {
  const calls: Call[] = [];
  const visit = (node: Node, parent: Node | null): void => {
    if (node.type === 'CallExpression') {
      // where the name ends, since a chained call begins lines above
      const { end: nameEnd } = node.callee as Node;
      const line = source.slice(0, nameEnd).split('\n').length;
      const isMarked = marked.has(line);
      const names = isMarked ? GIVES_BACK_IF_MARKED : GIVES_BACK;
      if (names.includes(calledName(node)) || (isMarked && isComputed(node))) {
        const isChained = parent?.type === 'MemberExpression' && parent.object === node;
        calls.push({ line, start: node.start, end: node.end, isChained });
      }
    }
    for (const child of Object.values(node).flat()) if (isNode(child)) visit(child, node);
  };
  visit(parseAst(source) as unknown as Node, null);
  return calls;
}

/** The name before the parentheses, without what it is called on; '' if there is none. */
function calledName({ callee }: Node): string {
  const { type, name, property } = callee as Node & { name?: string; property?: { name: string } };
  return type === 'Identifier' ? (name ?? '') : type === 'MemberExpression' ? (property?.name ?? '') : '';
}

/** `pool[method](connection)`. */
function isComputed({ callee }: Node): boolean {
  return (callee as Node).type === 'MemberExpression' && (callee as Node).computed === true;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}
