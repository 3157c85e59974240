/**
 * A V8 heap snapshot as a graph: what `v8.writeHeapSnapshot` and the `heapdump` package write, JSON of numbers and strings
 * (https://github.com/v8/v8/blob/main/src/profiler/heap-snapshot-generator.cc). Node 20 to 26 name their fields in it.
 */
import { fileURLToPath } from 'node:url';
import { UserError } from '../user-error.ts';
import { parse, type Raw } from './parse.ts';

/** Where a function begins: file, line and column from 1. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

export class Snapshot {
  /** How many objects; each is known by its index. */
  readonly size: number;
  readonly #raw: Raw;
  readonly #nodeTypes: string[];
  readonly #edgeTypes: string[];
  readonly #nodeSize: number;
  readonly #edgeSize: number;
  readonly #field: Record<'type' | 'name' | 'id' | 'selfSize' | 'edgeCount', number>;
  /** Of each object, the index of its first edge. */
  readonly #first: Uint32Array;
  readonly #locations: Map<number, [script: number, line: number, column: number]> = new Map();
  #scripts: Map<number, string> | null = null;

  constructor(raw: Raw) {
    const { node_fields, node_types, edge_fields, edge_types, location_fields } = raw.meta;
    this.#raw = raw;
    this.#nodeTypes = node_types[0];
    this.#edgeTypes = edge_types[0];
    this.#nodeSize = node_fields.length;
    this.#edgeSize = edge_fields.length;
    const at = (name: string) => node_fields.indexOf(name);
    this.#field = {
      ...{ type: at('type'), name: at('name'), id: at('id') },
      ...{ selfSize: at('self_size'), edgeCount: at('edge_count') },
    };
    this.size = raw.nodes.length / this.#nodeSize;
    this.#first = new Uint32Array(this.size + 1);
    for (let node = 0, edge = 0; node < this.size; node++) {
      this.#first[node] = edge;
      edge += raw.nodes[node * this.#nodeSize + this.#field.edgeCount] ?? 0;
      this.#first[node + 1] = edge;
    }
    const step = location_fields.length;
    for (let i = 0; i < raw.locations.length; i += step) {
      const [node = 0, script = 0, line = 0, column = 0] = raw.locations.subarray(i, i + step);
      this.#locations.set(node / this.#nodeSize, [script, line, column]);
    }
  }

  /** The same in every snapshot of one process. */
  id(node: number): number {
    return this.#raw.nodes[node * this.#nodeSize + this.#field.id] ?? 0;
  }

  type(node: number): string {
    return this.#nodeTypes[this.#raw.nodes[node * this.#nodeSize + this.#field.type] ?? 0] ?? '';
  }

  name(node: number): string {
    return this.#raw.strings[this.#raw.nodes[node * this.#nodeSize + this.#field.name] ?? 0] ?? '';
  }

  /** Bytes of the object itself. */
  selfSize(node: number): number {
    return this.#raw.nodes[node * this.#nodeSize + this.#field.selfSize] ?? 0;
  }

  /** Its edges: from the first to before the second. */
  edgesOf(node: number): [from: number, to: number] {
    return [this.#first[node] ?? 0, this.#first[node + 1] ?? 0];
  }

  edgeType(edge: number): string {
    return this.#edgeTypes[this.#raw.edges[edge * this.#edgeSize] ?? 0] ?? '';
  }

  /** A property's or variable's name; an index, as text, where it has none. */
  edgeName(edge: number): string {
    const name = this.#raw.edges[edge * this.#edgeSize + 1] ?? 0;
    const type = this.edgeType(edge);
    return type === 'element' || type === 'hidden' ? String(name) : (this.#raw.strings[name] ?? '');
  }

  target(edge: number): number {
    return (this.#raw.edges[edge * this.#edgeSize + 2] ?? 0) / this.#nodeSize;
  }

  /** The object that an edge of this name leads to. */
  follow(node: number, name: string): number | null {
    const [from, to] = this.edgesOf(node);
    for (let edge = from; edge < to; edge++) if (this.edgeName(edge) === name) return this.target(edge);
    return null;
  }

  /** Where the function of a closure, a suspended function or a class's constructor is. */
  placeOf(node: number): Place | null {
    const location = this.#locations.get(node);
    if (!location) return null;
    const [script, line, column] = location;
    const file = this.#scriptFiles().get(script);
    return file ? { file, line: line + 1, column: column + 1 } : null;
  }

  /** Whose functions are in memory. */
  files(): Iterable<string> {
    return this.#scriptFiles().values();
  }

  #scriptFiles(): Map<number, string> {
    this.#scripts ??= this.#scriptNames();
    return this.#scripts;
  }

  /** A closure leads to its script's name; its location has the script's number. */
  #scriptNames(): Map<number, string> {
    const names = new Map<number, string>();
    for (const [node, [script]] of this.#locations) {
      if (names.has(script) || this.type(node) !== 'closure') continue;
      const shared = this.follow(node, 'shared');
      // the latter is Node 20's and 22's name
      const code = shared && (this.follow(shared, 'script') ?? this.follow(shared, 'script_or_debug_info'));
      const name = code === null ? '' : this.name(code);
      if (name) names.set(script, name.startsWith('file:') ? fileURLToPath(name) : name);
    }
    return names;
  }
}

/** Throws `UserError` when the file cannot be read, or is no snapshot. */
export function readSnapshot(file: string): Snapshot {
  try {
    return new Snapshot(parse(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`${file} ${code ? `cannot be read (${code})` : 'is no heap snapshot'}.`);
  }
}

/** Node 26 calls it `global (global*)`. */
export function isGlobal(snapshot: Snapshot, node: number): boolean {
  return /^global\b/.test(snapshot.name(node));
}
