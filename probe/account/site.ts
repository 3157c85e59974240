/**
 * Where a resource was taken: a cheap structured stack, interned at once. Equal stacks are one site. Nothing raw is
 * kept, since an unformatted trace retains receivers and closures of the service.
 */

import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Method } from '../process/around.ts';
import { guarded } from '../process/lapses.ts';
import { now } from '../process/runtime.ts';
import type { Frame } from '../recording/format.ts';
import { mask } from '../recording/mask.ts';
import { Scripts } from './scripts.ts';

export interface Site {
  id: number;
  stack: Frame[];
  /** Which function each frame is in, by where that function begins; '' if unknown. */
  functions: string[];
  /** Which frames are mapped to their source already. */
  isMapped: boolean[];
  /** From this index on the frames are those that await, not those that call. */
  asyncFrom: number;
  /** Indexes of the user's frames, or of the top frame when there is none; empty for an empty stack. */
  user: number[];
}

/** Places that are told apart: each takes some kilobytes. */
export const MAX_SITES = 5000;
/** Deep enough for a pool's own frames, a helper or two, and the job that called them. */
const DEPTH = 16;
/** … where it is seldom asked, beneath hooks of the probe's own, whose frames count. */
export const DEEP = 40;

/** Packages that are Node's own modules once more. */
const COPY_OF_NODE = /[\\/]node_modules[\\/](?:readable-stream|events|string_decoder)[\\/]/;

/** Characters of a file's path, and of any other name. */
const MAX_PATH = 4096;
const MAX_NAME = 200;
/** That are known to be masked. */
const MAX_NAMES = 1000;
/** Longer means preempted. Stacks are too short to time by the CPU clock. */
const LONGEST_MS = 1;
/** What one takes before any was taken, milliseconds. */
const USUAL_COST = 0.03;

type CallSite = NodeJS.CallSite;

type RawFrame = Omit<Frame, 'user'>;

/** Sites form a tree: one node a frame, keyed by script position, so that interning builds no strings. */
class TreeNode {
  file: string;
  children: Map<number, TreeNode> | null = null;
  /** Another file's node at the same position. */
  sibling: TreeNode | null = null;
  site: Site | null = null;
  constructor(file: string) {
    this.file = file;
  }
  /** `isFull`: null for one that is not there yet. */
  child(position: number, file: string, isFull: boolean): TreeNode | null {
    const first = this.children?.get(position);
    for (let node = first; node; node = node.sibling ?? undefined) if (node.file === file) return node;
    if (isFull) return null;
    this.children ??= new Map();
    const node = new TreeNode(file);
    node.sibling = first ?? null;
    this.children.set(position, node);
    return node;
  }
}

export class Sites {
  readonly all: Site[] = [];
  readonly scripts: Scripts = new Scripts();
  /** Milliseconds spent on stacks, and how many were taken. */
  cost = 0;
  taken = 0;
  /** Of one stack, milliseconds. */
  get meanCost(): number {
    return this.taken === 0 ? USUAL_COST : this.cost / this.taken;
  }
  /** Whether a place that is new gets no site any more: a program may go on making code. */
  get isFull(): boolean {
    return this.all.length >= MAX_SITES;
  }
  private readonly root = new TreeNode('');
  private readonly isUser: (file: string) => boolean;
  private readonly isOwn: (file: string) => boolean;

  /** `ownFolders`: the probe's, whose frames are left out. */
  constructor(isUser: (file: string) => boolean, ownFolders: readonly string[]) {
    this.isUser = isUser;
    this.isOwn = (file) => ownFolders.some((folder) => filePath(file).startsWith(folder + path.sep));
  }

  /** The site of the call to `wrapper`, which must be on the stack; null for one too many. */
  capture(wrapper: Method, depth: number = DEPTH): Site | null {
    const began = now();
    const hooked = withStackHook(wrapper, depth, this.intern);
    const site = hooked === undefined ? this.parse(wrapper) : hooked;
    this.cost += Math.min(LONGEST_MS, now() - began);
    this.taken++;
    return site;
  }

  /** Whether the probe's own code calls `wrapper`, which must be on the stack. */
  isOwnCall(wrapper: Method): boolean {
    return isCalledFrom(wrapper, this.isOwn);
  }

  /** Whether Node's own code does: far cheaper to ask than a whole stack. */
  isCallOfNode(wrapper: Method): boolean {
    return isCalledFrom(wrapper, (file) => file.startsWith('node:'));
  }

  private readonly intern = (callSites: CallSite[]): Site | null => {
    const { isFull } = this;
    let node: TreeNode | null = this.root;
    for (const callSite of callSites) {
      const file = fileOf(callSite);
      if (file) node = node.child(callSite.getPosition(), file, isFull);
      if (node === null) return null;
    }
    if (node.site === null && !isFull) {
      const inFiles = callSites.filter((callSite) => {
        const file = fileOf(callSite);
        return file && !this.isOwn(file);
      });
      const asyncFrom = inFiles.findIndex((callSite) => callSite.isAsync());
      node.site = this.add(inFiles.map(frameOf), inFiles.map(functionOf), asyncFrom, inFiles);
    }
    return node.site;
  };

  private add(frames: RawFrame[], functions: string[], firstAsync: number, callSites: CallSite[] = []): Site {
    const isUser = frames.map(({ file }) => this.isUser(file));
    const originals = frames.map(
      (frame, i) => guarded('compilers', () => this.scripts.original(frame, isUser[i] === true)) ?? null,
    );
    const stack = frames.map((frame, i) => ({ ...written({ ...frame, ...originals[i] }), user: isUser[i] === true }));
    const isMapped = originals.map((original) => original !== null);
    for (const [i, callSite] of callSites.entries()) {
      if (!isMapped[i] && stack[i]?.user) this.scripts.noteHash(stack[i].file, callSite);
    }
    const indexes = [...stack.keys()];
    const user = indexes.filter((index) => stack[index]?.user);
    const asyncFrom = firstAsync < 0 ? stack.length : firstAsync;
    // of a dependency, if there is one: no line of Node's own helps
    const outside = Math.max(
      0,
      stack.findIndex(({ file }) => !file.startsWith('node:') && !COPY_OF_NODE.test(file)),
    );
    const site: Site = {
      id: this.all.length,
      stack,
      functions,
      isMapped,
      asyncFrom,
      user: user.length > 0 ? user : indexes.slice(outside, outside + 1),
    };
    this.all.push(site);
    return site;
  }

  /** With frozen intrinsics the hook cannot be set: read the text instead. */
  private parse(wrapper: Method): Site | null {
    const holder: { stack?: string } = {};
    Error.captureStackTrace(holder, wrapper);
    const frames: RawFrame[] = [];
    let firstAsync = -1;
    const { isFull } = this;
    let node: TreeNode | null = this.root;
    for (const text of (holder.stack ?? '').split('\n')) {
      const match = /^\s+at (?:async )?(?:(.+?) \()?(.+?):(\d+):(\d+)\)?$/.exec(text);
      if (!match) continue;
      const [, name = '', file = '', line, column] = match;
      if (this.isOwn(file)) continue;
      if (firstAsync < 0 && text.includes(' at async ')) firstAsync = frames.length;
      frames.push({ file: filePath(file), line: Number(line), column: Number(column), function: name });
      node = node.child(Number(line) * 4096 + Number(column), file, isFull);
      if (node === null) return null;
    }
    if (isFull) return node.site;
    const functions = frames.map((frame) => `${frame.file}:${frame.function}`);
    node.site ??= this.add(frames, functions, firstAsync);
    return node.site;
  }
}

/** Runs `read` on the structured stack; undefined when this realm does not let us. Leaves `Error` as it was. */
function withStackHook<T>(wrapper: Method, depth: number, read: (callSites: CallSite[]) => T): T | undefined {
  let site: T | undefined;
  const hook = (_: Error, callSites: CallSite[]): string => {
    site = read(callSites);
    return '';
  };
  let putBackLimit = (): void => {};
  let putBackHook = (): void => {};
  try {
    putBackLimit = setOnError('stackTraceLimit', depth);
    putBackHook = setOnError('prepareStackTrace', hook);
    const holder: { stack?: string } = {};
    Error.captureStackTrace(holder, wrapper);
    void holder.stack;
  } catch {
    return undefined;
  } finally {
    putBackHook();
    putBackLimit();
  }
  return site;
}

/** Node's own code made the call. */
export function isOfNode({ stack }: Pick<Site, 'stack'>): boolean {
  return stack[0]?.file.startsWith('node:') === true;
}

/** The frame that Node's own code was called from. */
export function callerOfNode({ stack }: Pick<Site, 'stack'>): Site['stack'][number] | undefined {
  return stack.find(({ file }) => !file.startsWith('node:'));
}

function isCalledFrom(wrapper: Method, isIt: (file: string) => boolean): boolean {
  return withStackHook(wrapper, 1, ([caller]) => caller !== undefined && isIt(fileOf(caller))) === true;
}

/** Sets a property of `Error` past whatever the service made of it; what puts it back. Throws where it is frozen. */
function setOnError(key: 'stackTraceLimit' | 'prepareStackTrace', value: unknown): () => void {
  const errors = Error as unknown as Record<string, unknown>;
  const before = Object.getOwnPropertyDescriptor(Error, key);
  if (before === undefined) {
    errors[key] = value;
    return () => delete errors[key];
  }
  if (before.writable) {
    errors[key] = value;
    return () => {
      errors[key] = before.value;
    };
  }
  // a getter of the service is not called
  Object.defineProperty(Error, key, { value, configurable: true });
  return () => Object.defineProperty(Error, key, before);
}

/** What is evaluated has no file but the one that a loader says it is of. */
function fileOf(callSite: CallSite): string {
  const file = callSite.getFileName();
  if (file) return file;
  const named = callSite.getScriptNameOrSourceURL() ?? '';
  return path.isAbsolute(named) || named.startsWith('file:') ? named : '';
}

function frameOf(callSite: CallSite): RawFrame {
  return {
    file: filePath(fileOf(callSite)),
    line: callSite.getLineNumber() ?? 0,
    column: callSite.getColumnNumber() ?? 0,
    function: functionName(callSite),
  };
}

function functionOf(callSite: CallSite): string {
  const line = callSite.getEnclosingLineNumber();
  return line ? `${fileOf(callSite)}:${line}:${callSite.getEnclosingColumnNumber()}` : '';
}

function functionName(callSite: CallSite): string {
  const isToplevel = callSite.isToplevel();
  // a method's name is looked for among all properties of its receiver, which may be the global object
  const name = callSite.getFunctionName() ?? (isToplevel ? null : callSite.getMethodName()) ?? '';
  const type = isToplevel || callSite.isConstructor() ? null : callSite.getTypeName();
  return type && type !== 'Object' && name && !name.includes('.') ? `${type}.${name}` : name;
}

/** Code that was evaluated has whatever name the service gave it, and a function too. */
function written({ file, function: name, ...place }: RawFrame): RawFrame {
  const isPath = path.isAbsolute(file) || file.startsWith('node:');
  const where = file.startsWith('data:') ? 'data:…' : isPath ? file.slice(0, MAX_PATH) : mask(file, MAX_NAME);
  return { file: where, ...place, function: maskedName(name) };
}

/** Most stacks are of the same few functions. */
const maskedNames: Map<string, string> = new Map();

function maskedName(name: string): string {
  const known = maskedNames.get(name);
  if (known !== undefined) return known;
  const masked = mask(name, MAX_NAME);
  if (name.length <= MAX_NAME && maskedNames.size < MAX_NAMES) maskedNames.set(name, masked);
  return masked;
}

function filePath(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file;
}

/** An installed app is usually started by a link in `node_modules/.bin`. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

const NODE_MODULES = `${path.sep}node_modules${path.sep}`;

/** Packages whose commands start programs of others'. */
const RUNNERS: ReadonlySet<string> = new Set([
  ...['pm2', 'next', 'nuxt', 'nitropack', 'vite', 'astro', 'tsx', 'ts-node', 'nodemon', 'fastify-cli', '@nestjs/cli'],
  ...['@remix-run/serve', '@react-router/serve'],
]);

/** Tells the user's own files from dependencies and Node's code. An app that is itself installed is its user's. */
export function userFiles(startedAs: string | undefined): (file: string) => boolean {
  const mainScript = startedAs && realPath(startedAs);
  const at = mainScript?.lastIndexOf(NODE_MODULES) ?? -1;
  let installedApp: string | null = null;
  if (mainScript !== undefined && at >= 0) {
    const [first = '', second = ''] = mainScript.slice(at + NODE_MODULES.length).split(path.sep);
    const name = first.startsWith('@') ? `${first}/${second}` : first;
    if (!RUNNERS.has(name))
      installedApp = mainScript.slice(0, at + NODE_MODULES.length) + path.normalize(name) + path.sep;
  }
  return (file) => {
    if (!path.isAbsolute(file)) return false;
    if (installedApp !== null && file.startsWith(installedApp))
      return !file.slice(installedApp.length - 1).includes(NODE_MODULES);
    return !file.includes(NODE_MODULES);
  };
}
