/**
 * From a pid to its inspector: SIGUSR1 opens it on the loopback. The signal ends a program that has no handler for it, so
 * nothing is sent before that is known. Throws `UserError` with what is in the way.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../user-error.ts';
import { Inspector } from './inspector.ts';
import { commandOf, connectedTo, factsOf, listenerOn, nodesBelow, type ProcessFacts, portsOf } from './proc.ts';
import { tooOld, versionIn } from './version.ts';

/** Where Node.js opens it unless it is told otherwise. */
const PORT = 9229;
/** Ports near it are asked too: of `--inspect-port`, and of cluster workers. */
const PORTS = 32;
const OPEN_WITHIN_MS = 5000;
const ANSWER_MS = 1000;
const PAUSE_MS = 25;

export interface Opened {
  inspector: Inspector;
  /** Nobody else uses it: it is to be closed at the end. */
  isOurs: boolean;
}

/** A process that can be attached to, as far as can be told without touching it. */
export function findProcess(pid: number): ProcessFacts {
  if (process.platform !== 'linux') throw new UserError('outlive attach needs Linux: it reads /proc.');
  const facts = factsOf(pid);
  if (facts === null || facts.state === 'Z') throw new UserError(`There is no process ${pid}.`);
  const wrong = complaint(facts);
  if (wrong !== null) throw new UserError(`${wrong}`);
  return facts;
}

function complaint(facts: ProcessFacts): string | null {
  const { pid, ownPid, uid, exe, state, argv } = facts;
  const own = process.getuid?.() ?? 0;
  if (own !== 0 && own !== uid) {
    return `Process ${pid} is another user's: run outlive as ${uid === 0 ? '' : `user ${uid}, or as `}root.`;
  }
  if (!isNode(facts)) {
    const below = nodesBelow(pid).map((each) => `${each.pid} (${commandOf(each)})`);
    const instead = below.length > 0 ? ` Below it there is ${below.join(', ')}.` : '';
    return `Process ${pid} runs ${path.basename(exe ?? argv[0] ?? 'something else')}, not Node.js.${instead}`;
  }
  const old = tooOld(pid, versionIn(`/proc/${pid}/exe`) ?? process.version);
  if (old !== null) return old;
  if (!facts.isInOurNetwork) {
    return `Process ${pid} is in a container: run outlive attach ${ownPid} inside it, since its loopback is its own.`;
  }
  if (state === 'T' || state === 't') return `Process ${pid} is stopped: let it go on first (kill -CONT ${pid}).`;
  if (!facts.handlesUsr1 && inspectorPorts(facts).length === 0) {
    const why = argv.includes('--disable-sigusr1')
      ? 'it was started with --disable-sigusr1'
      : 'it has only just started, or was told not to by --disable-sigusr1';
    return `Process ${pid} does not open its inspector on SIGUSR1: ${why}. Preload outlive instead.`;
  }
  return null;
}

/** By the name of its program, or by the library that Debian's Node.js and others' are. */
function isNode({ pid, exe }: ProcessFacts): boolean {
  if (exe !== null && /^(?:node|nodejs)(?:[-.\d]|$)/.test(path.basename(exe))) return true;
  try {
    return /\/libnode\.so/.test(readFileSync(`/proc/${pid}/maps`, 'utf8'));
  } catch {
    return false;
  }
}

/** Those that it listens on and that an inspector may be behind: no port of the service's is spoken to. */
function inspectorPorts({ pid, argv }: ProcessFacts): number[] {
  const asked = argv
    .flatMap((arg) => /^--inspect(?:-brk|-port|-wait)?=(?:.*:)?(\d+)$/.exec(arg)?.[1] ?? [])
    .map(Number);
  return portsOf(pid).filter((port) => asked.includes(port) || (port >= PORT && port < PORT + PORTS));
}

export async function openInspector(facts: ProcessFacts): Promise<Opened> {
  const { pid } = facts;
  const before = await urlOn(inspectorPorts(facts));
  const isAsked = facts.argv.some((arg) => arg.startsWith('--inspect'));
  const isUsed = before !== null && connectedTo(pid, before.port) > 0;
  const found = before && (await connect(before.url));
  if (found) return { inspector: found, isOurs: !isAsked && !isUsed };
  const known = new Set(portsOf(pid).filter((port) => port !== before?.port));
  try {
    process.kill(pid, 'SIGUSR1');
  } catch {
    throw new UserError(`Process ${pid} cannot be signalled: it has just ended, or is another user's.`);
  }
  for (const began = performance.now(); performance.now() - began < OPEN_WITHIN_MS; await sleep(PAUSE_MS)) {
    const opened = await urlOn(portsOf(pid).filter((port) => !known.has(port)));
    const inspector = opened && (await connect(opened.url));
    if (inspector) return { inspector, isOurs: true };
    if (factsOf(pid) === null) throw new UserError(`Process ${pid} has ended.`);
  }
  throw new UserError(whyNotOpen(pid));
}

function whyNotOpen(pid: number): string {
  const other = listenerOn(PORT);
  if (other !== null && other !== pid) {
    return `Process ${pid} cannot open its inspector: process ${other} listens on port ${PORT}.`;
  }
  return (
    `Process ${pid} did not open its inspector within ${OPEN_WITHIN_MS / 1000} s of SIGUSR1: it handles that signal ` +
    'itself, or its event loop is held by something other than JavaScript. Should it open later, attaching again closes it.'
  );
}

/** Null: it was closed meanwhile. */
function connect(url: string): Promise<Inspector | null> {
  return Inspector.connect(url).catch(() => null);
}

async function urlOn(ports: readonly number[]): Promise<{ url: string; port: number } | null> {
  for (const port of ports) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(ANSWER_MS) });
      const [target] = (await answer.json()) as { webSocketDebuggerUrl?: string }[];
      if (target?.webSocketDebuggerUrl) return { url: target.webSocketDebuggerUrl, port };
    } catch {
      // not an inspector, or not yet
    }
  }
  return null;
}

/** Waits until the process listens nowhere that an inspector may be behind. False: it still does. */
export async function isClosed(facts: ProcessFacts, withinMs: number): Promise<boolean> {
  for (const began = performance.now(); performance.now() - began < withinMs; await sleep(PAUSE_MS)) {
    if (inspectorPorts(facts).length === 0) return true;
  }
  return false;
}
