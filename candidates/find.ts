/**
 * The candidates of one file: what it acquires and, on some path, does not release. A candidate is no finding: nothing
 * was run, and receivers are told by their names.
 */
import { ACQUIRERS } from './acquirers.ts';
import { type Acquisition, acquisitionsIn } from './acquisitions.ts';
import { type Exit, lossesIn } from './paths.ts';
import { handsOn, isRelease, type Subject, subjectOf, takersIn } from './subject.ts';
import { lastName, linesOf, type Node, within } from './syntax.ts';

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

/** `program` is the tree of `text`. */
export function candidatesIn(program: Node, text: string): Candidate[] {
  const lineOf = linesOf(text);
  const acquisitions = acquisitionsIn(program);
  const acquirers = new Set(acquisitions.map(({ acquirer }) => acquirer));
  const takers = new Map([...acquirers].map((acquirer) => [acquirer, takersIn(program, acquirer)]));
  return acquisitions.flatMap((acquisition) => {
    const file = { program, lineOf, takers: takers.get(acquisition.acquirer) ?? new Set<string>() };
    const paths = [...new Set(pathsOf(acquisition, file))];
    const { call, acquirer } = acquisition;
    return paths.length > 0 ? [{ line: lineOf(call.start), what: acquirer.what, paths }] : [];
  });
}

interface File extends Pick<Subject, 'takers' | 'lineOf'> {
  program: Node;
}

function pathsOf({ acquirer, fate }: Acquisition, file: File): string[] {
  if (fate.is === 'dropped') return ['nothing keeps it, so nothing can release it'];
  if (fate.is === 'kept') {
    const methods = new Set([...acquirer.methods, ...acquirer.takers]);
    const isReleased = [...within(file.program)].some(
      (node) => node.type === 'CallExpression' && methods.has(lastName(node.callee as Node)),
    );
    return isReleased ? [] : [`it is kept as ${fate.name}, and nothing in this file releases it`];
  }
  const { body } = fate;
  const subject = subjectOf(fate, acquirer, file);
  const losses = lossesIn(subject, body);
  if (losses.length > 0 && !subject.isReleased) {
    const isHandedOn = [...within(body)].some((node) => handsOn(subject, node));
    if (!isHandedOn) return ['nothing in this function releases it'];
    return losses.map(({ how, line }) => `${LEAVES[how](line)} before it is handed on`);
  }
  const releases = [...within(body)].filter((node) => isRelease(subject, node)).map(({ end }) => file.lineOf(end));
  // first where the code itself leaves, then where something must go wrong
  const ordered = [...losses].sort((a, b) => Number(goesWrong(a)) - Number(goesWrong(b)));
  return ordered.map((exit) => inWords(exit, releases));
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
