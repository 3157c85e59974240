/**
 * The candidates of one file: what it acquires and, on some path, does not release. A candidate is no finding: nothing
 * was run, and receivers are told by their names.
 */
import { ACQUIRERS } from './acquirers.ts';
import { type Acquisition, acquisitionsIn } from './acquisitions.ts';
import { type Exit, lossesIn } from './paths.ts';
import { handsOn, isRelease, type Subject, subjectOf, takersIn } from './subject.ts';
import { lastName, type Node, type Position, positionsOf, within } from './syntax.ts';

export interface Candidate {
  /** From 1. */
  line: number;
  what: string;
  /** How it is lost, in words, the first path first. */
  paths: string[];
}

/** Without it a file needs no parser. */
export function mayAcquire(text: string): boolean {
  return ACQUIRERS.some(({ call }) => text.includes(call));
}

/** Where in the file a candidate is to be looked at while it runs. */
export interface Trace {
  /** The call that acquires. */
  taken: Span;
  /** From there to the last release, or the end of the function; null where it is not followed through one. */
  between: Span | null;
  /** The lines that must throw for its paths to be taken; null: there is one that no error takes. */
  throwing: (number | null)[];
}

/** From its first character to the one after its last. */
export interface Span {
  from: Position;
  to: Position;
}

/** `program` is the tree of `text`. */
export function candidatesIn(program: Node, text: string): Candidate[] {
  return tracedIn(program, text).map(({ candidate }) => candidate);
}

export function tracedIn(program: Node, text: string): { candidate: Candidate; trace: Trace }[] {
  const at = positionsOf(text);
  const lineOf = (offset: number) => at(offset).line;
  const acquisitions = acquisitionsIn(program);
  const acquirers = new Set(acquisitions.map(({ acquirer }) => acquirer));
  const takers = new Map([...acquirers].map((acquirer) => [acquirer, takersIn(program, acquirer)]));
  return acquisitions.flatMap((acquisition) => {
    const file = { program, lineOf, takers: takers.get(acquisition.acquirer) ?? new Set<string>() };
    const { losses, until } = lostBy(acquisition, file);
    if (losses.length === 0) return [];
    const { call, acquirer, fate } = acquisition;
    const from = fate.is === 'named' && fate.binder === null ? fate.body.start : call.end;
    const trace: Trace = {
      taken: { from: at(call.start), to: at(call.end) },
      between: until === null ? null : { from: at(from), to: at(until) },
      throwing: [...new Set(losses.map(({ throwing }) => throwing))],
    };
    const paths = [...new Set(losses.map(({ path }) => path))];
    return [{ candidate: { line: lineOf(call.start), what: acquirer.what, paths }, trace }];
  });
}

interface File extends Pick<Subject, 'takers' | 'lineOf'> {
  program: Node;
}

interface Loss {
  /** In words. */
  path: string;
  throwing: number | null;
}

/** How it is lost, and the offset until which it may be held; null where it is not followed through a function. */
function lostBy({ acquirer, fate }: Acquisition, file: File): { losses: Loss[]; until: number | null } {
  const always = (path: string) => ({ losses: [{ path, throwing: null }], until: null });
  if (fate.is === 'dropped') return always('nothing keeps it, so nothing can release it');
  if (fate.is === 'kept') {
    const methods = new Set([...acquirer.methods, ...acquirer.takers]);
    const isReleased = [...within(file.program)].some(
      (node) => node.type === 'CallExpression' && methods.has(lastName(node.callee as Node)),
    );
    if (isReleased) return { losses: [], until: null };
    return always(`it is kept as ${fate.name}, and nothing in this file releases it`);
  }
  const { body } = fate;
  const subject = subjectOf(fate, acquirer, file);
  const losses = lossesIn(subject, body);
  if (losses.length > 0 && !subject.isReleased) {
    const isHandedOn = [...within(body)].some((node) => handsOn(subject, node));
    if (!isHandedOn) return always('nothing in this function releases it');
    const early = (exit: Exit) => `${LEAVES[exit.how](exit.line)} before it is handed on`;
    return { losses: losses.map((exit) => lossOf(exit, early(exit))), until: body.end };
  }
  const ends = [...within(body)].filter((node) => isRelease(subject, node)).map(({ end }) => end);
  const releases = ends.map((end) => file.lineOf(end));
  // first where the code itself leaves, then where something must go wrong
  const ordered = [...losses].sort((a, b) => Number(goesWrong(a)) - Number(goesWrong(b)));
  return { losses: ordered.map((exit) => lossOf(exit, inWords(exit, releases))), until: Math.max(...ends, body.start) };
}

function lossOf({ how, line, held }: Exit, path: string): Loss {
  return { path, throwing: held.thrownAt ?? (how === 'may throw' ? line : null) };
}

function goesWrong({ how, held }: Exit): boolean {
  return how === 'may throw' || held.thrownAt !== null;
}

const LEAVES: Record<Exit['how'], (line: number) => string> = {
  'may throw': (line) => `line ${line} may throw`,
  throws: (line) => `line ${line} throws`,
  returns: (line) => `line ${line} returns`,
  ends: (line) => `the function ends on line ${line}`,
  breaks: (line) => `line ${line} breaks out`,
  'begins anew': (line) => `line ${line} begins the next round`,
};

function inWords({ how, line, held }: Exit, releases: readonly number[]): string {
  const leaves = LEAVES[how](line);
  if (held.thrownAt !== null) return `line ${held.thrownAt} may throw, and then ${leaves} without a release`;
  const release = releases.find((each) => each >= line);
  return release === undefined || how === 'ends'
    ? `${leaves} without a release`
    : `${leaves} before line ${release} releases it`;
}
