/** A finding in words: what it claims, counts and rests on. */
import { basename } from 'node:path';
import type { Certainty, Detector, Exhausted, ScopeShare } from '../probe/recording/format.ts';
import { NATURES } from '../probe/recording/natures.ts';
import type { Finding, Withdrawn } from '../probe/recording/report.ts';
import { type Matter, matterOf } from './matter.ts';
import { amount, noun, number, plural } from './words.ts';

export const MARKS: Record<Certainty, string> = { proven: '●', likely: '◐', suspect: '○' };

/** What each certainty claims. */
const CERTAINTY_MEANS: Record<Certainty, string> = {
  proven: 'Proven: nothing left in the program can give it back.',
  likely: 'Likely: it should have been given back by now, and the pattern repeats.',
  suspect: 'Suspect: unusual for this line, but it may still be given back. Look before you change anything.',
};

/** How each detector knows. */
export const DETECTOR_MEANS: Record<Detector, string> = {
  collected: 'The object needed to release it was garbage-collected while it was still open.',
  unreachable: 'Nothing in the program refers to it any more, only its pool does.',
  'outlived-scope': 'The run or request that took it has ended, and it is still open.',
  'flow-ended': 'The chain of callbacks that took it is gone, and it is open and idle.',
  superseded: 'The same flow took and returned later ones at this line while this one stayed.',
  growth: 'The number left open at this line rises with every round of equal work.',
  'fail-path': 'It stayed open each time that one operation was made to fail, and never when it was not.',
  replicas: 'In many processes together some stay far longer than all others, the more the more they work.',
  'keeps-alive': 'It alone kept the process from ending, though unref() says that it should not.',
  'held-too-long': 'It has been held far longer than this line usually holds one.',
  'hold-and-wait': 'All who hold a connection of this pool wait for one more of it.',
  'pool-exhausted': 'An acquire timed out because every one was taken.',
};

/** What a finding claims, and how it is known. */
export function meaning(finding: Finding): string {
  const { certainty, detector } = finding;
  switch (matterOf(finding)) {
    case 'transaction':
      return `${CERTAINTY_MEANS[certainty]} The connection went back to its pool inside a transaction, which stays open with its locks until somebody else ends it.`;
    case 'session':
      return certainty === 'suspect'
        ? 'Suspect: the connection went back to its pool with it, but nobody has worked in that session since.'
        : `${CERTAINTY_MEANS[certainty]} The connection went back to its pool with it, and whoever takes that next has it.`;
    case 'memory':
      return certainty === 'suspect'
        ? 'Suspect: memory rises with the work, by little or in few rounds. A cache that is still filling does so too.'
        : 'Likely: memory that survives a collection rises with the work, as evenly as a leak does. A cache that is still filling does so too: a longer soak tells.';
    case 'growth':
      return `${certainty === 'suspect' ? 'Suspect' : 'Likely'}: it grew again and again, and nothing was ever taken away. Something that is filled once looks the same until it is full.`;
    case 'pools':
      return `${certainty === 'suspect' ? 'Suspect: one for each tenant or shard may be meant; look before you change anything.' : 'Likely: these should be one pool.'} Each keeps connections of its own ever after.`;
    case 'exhaustion':
      return certainty === 'suspect'
        ? `Suspect: the cause is judged by the numbers below. ${DETECTOR_MEANS[detector]}`
        : `${CERTAINTY_MEANS[certainty]} ${DETECTOR_MEANS[detector]}`;
    default:
      return `${CERTAINTY_MEANS[certainty]} ${DETECTOR_MEANS[detector]}`;
  }
}

/** What keeps a likely finding from being proven, by how its detector knows. */
const NOT_PROVEN: Partial<Record<Detector, string>> = {
  'outlived-scope': 'something that the run left behind might still give it back.',
  'flow-ended': 'another flow might still reach it.',
  superseded: 'a flow that goes on might still come back to it.',
  growth: 'a rising number alone could be work that is slow to end.',
  'fail-path': 'something that runs later might still give it back.',
  replicas: 'each of the processes might still give its own back.',
  'keeps-alive': 'the thread might still have had something to say.',
  'pool-exhausted': 'the holders might still give back.',
};

/** What keeps a suspect from being likely. */
const NOT_LIKELY: Record<Detector, string> = {
  collected: 'the line is not known.',
  unreachable: 'the line is not known.',
  'outlived-scope': 'it has not yet happened in several runs, while others gave theirs back.',
  'flow-ended': 'so far not all at this line was given back by the flow that took it, so another may do so here too.',
  superseded: 'it has not yet happened often enough at this line.',
  growth: 'few stay so far, or it is not known how long one is meant to stay.',
  'fail-path': 'the line is not known.',
  replicas: 'the line is not known.',
  'keeps-alive': 'the line is not known.',
  'held-too-long': 'time alone proves nothing: this one may be slow.',
  'hold-and-wait': 'somebody else may still release one.',
  'pool-exhausted': 'a cause is judged from numbers, not seen.',
};

/** … and these are in doubt for a reason of their own, whatever saw them. */
const MATTER_DOUBTS: Partial<Record<Matter, Record<'likely' | 'suspect', string>>> = {
  pools: { likely: 'the program might still use them.', suspect: 'one pool for each tenant or shard may be meant.' },
  session: {
    likely: 'whoever has the session next might be meant to have it so.',
    suspect: 'whoever has the session next might undo it first.',
  },
  growth: {
    likely: 'it may be meant to hold all of something that has an end.',
    suspect: 'it is small so far, or was filled in few goes.',
  },
  memory: {
    likely: 'a cache that is still filling rises as evenly.',
    suspect: 'it rose by little, or over few rounds.',
  },
};

/** Why the finding is not more certain than it is; null when it is proven. */
export function doubt(finding: Finding): string | null {
  const { certainty, detector } = finding;
  if (certainty === 'proven') return null;
  const own = MATTER_DOUBTS[matterOf(finding)]?.[certainty];
  if (certainty === 'suspect') {
    return `Not likely, because ${own ?? (finding.site ? NOT_LIKELY[detector] : 'the line is not known.')}`;
  }
  return `Not proven, because ${own ?? NOT_PROVEN[detector] ?? 'the program might still give it back.'}`;
}

/** `src/orders.ts:12`, or the words that stand for a line nobody could tell. */
export function place(
  { site, before }: Pick<Finding, 'site' | 'before'>,
  name: (file: string) => string = (file) => basename(file),
): string {
  if (site) return `${name(site.file)}:${site.line}`;
  return before ? 'Taken before outlive came' : 'An unknown line';
}

/** What is to be doubted about the line; null where the file is what ran. */
export function lineDoubt({ site }: Pick<Finding, 'site'>): string | null {
  if (!site?.compiled) return null;
  return 'The line is of compiled code: what ran is not the text of this file, and no source map was seen.';
}

/** Why no code is shown; null where it is, or where the line is not known either. */
export function noCode({ excerptUnknown }: Pick<Finding, 'excerptUnknown'>): string | null {
  return excerptUnknown ? `No code is shown: ${excerptUnknown}.` : null;
}

/** `connection · pg pool "orders"`. */
export function subject(finding: Finding | Withdrawn): string {
  const { kind, library, nature, pool } = finding;
  const matter = matterOf(finding);
  if (matter === 'pools') return `pool · ${library.replace(/ pool$/, '')}`;
  if (matter === 'memory') return 'memory · heap, and what its objects hold outside of it';
  if (matter === 'growth') return `${NATURES[finding.nature].words.many} · ${library}`;
  const thing = ['transaction', 'session'].includes(matter) ? NATURES[nature].words.one : noun(1, kind);
  const owner = pool === null ? library : `${library} pool "${pool}"`;
  return owner ? `${thing} · ${owner}` : thing;
}

/** `14 leaked`; of a suspect only what is known. */
function open(finding: Finding): string {
  return `${number(finding.count)} ${finding.certainty === 'suspect' ? 'still held' : 'leaked'}`;
}

/** `300 elements`. */
export function grownTo({ count, nature }: Finding): string {
  const { one, many } = NATURES[nature].words;
  return plural(count, one, many);
}

/** The account of a finding in three parts; null for what is about a whole pool. */
export function account(finding: Finding): { acquired: string; released: string; open: string } | null {
  const { acquired, released, count } = finding;
  const about = finding.estimated ? 'about ' : '';
  const words: Partial<Record<Matter, { acquired: string; released: string; open: string }>> = {
    resource: {
      acquired: `${about}${number(acquired)} acquired`,
      released: `${number(released)} released`,
      open: open(finding),
    },
    transaction: {
      acquired: `${about}${number(acquired)} given back inside a transaction`,
      released: `${number(released)} ended by somebody else`,
      open: `${number(count)} still open`,
    },
    session: {
      acquired: `${about}${number(acquired)} done here`,
      released: `${number(released)} undone`,
      open: `${number(count)} left in sessions`,
    },
    memory: { acquired: '', released: '', open: `${amount(count, 'memory')} more at rest` },
    growth: { acquired: '', released: '', open: grownTo(finding) },
    pools: {
      acquired: `${about}${plural(acquired, 'pool')} made here`,
      released: `${number(released)} ended`,
      open: `${number(count)} open and idle`,
    },
  };
  return words[matterOf(finding)] ?? null;
}

/** `200 acquired · 186 released · 14 leaked`; of a whole pool `4 of 4 in use · 15 waiting · too small`. */
export function tally(finding: Finding): string {
  const parts = account(finding);
  if (!parts) {
    const { exhausted } = finding;
    if (!exhausted) return `${amount(finding.count, finding.kind)} held`;
    return [...demandWords(exhausted), exhausted.cause].join(' · ');
  }
  if (finding.acquired === 0) return parts.open;
  return `${parts.acquired} · ${parts.released} · ${parts.open}`;
}

/** `4 of 4 in use`, `15 waiting`. */
export function demandWords({ used, limit, waiting }: Exhausted): string[] {
  return [
    limit > 0 ? `${number(used)} of ${number(limit)} in use` : `${number(used)} in use`,
    `${number(waiting)} waiting`,
  ];
}

/** `idle`, `busy`, `3 of 5 busy`; null when the adapter cannot tell. */
export function activity({ busy, count }: Finding['holders'][number]): string | null {
  if (busy === null) return null;
  if (busy === 0) return 'idle';
  return busy === count ? 'busy' : `${number(busy)} of ${number(count)} busy`;
}

/** `14 of 200 runs of rules`, `3 of 90 POST /orders requests`. */
export function shareOf(scope: ScopeShare): string {
  const of = `${number(scope.leaked)} of ${number(scope.ended)}`;
  return /^[A-Z]+ \//.test(scope.name) ? `${of} ${scope.name} requests` : `${of} runs of ${scope.name}`;
}

/** Sentences that others of the same finding already imply. */
const WEAK = /^\d+ not used for more than /;

/** The sentences of a finding, strongest first: those to read, and the rest. */
export function evidence(finding: Finding): { first: string[]; more: string[] } {
  const isWeak = (sentence: string) => finding.detector !== 'held-too-long' && WEAK.test(sentence);
  const isOfPool = ['exhaustion', 'deadlock'].includes(matterOf(finding));
  const verb = isOfPool ? 'Held by' : 'Left open by';
  const [scope, ...scopes] = finding.scopes
    .toSorted((a, b) => b.leaked - a.leaked)
    .map((share) => scopeSentence(share, verb));
  const strong = finding.evidence.filter((sentence) => !isWeak(sentence));
  const all = [...spreadSentences(finding), ...(scope ? [scope] : []), ...strong, ...scopes];
  return { first: all.slice(0, 3), more: [...all.slice(3), ...finding.evidence.filter(isWeak)] };
}

/** Of so many processes that ran the line it is worth saying in how many it is. */
const MANY = 3;

/** Since when it leaks, and in how many processes, where there are many. */
function spreadSentences({ spread, detector }: Finding): string[] {
  if (!spread || spread.of < MANY) return [];
  const { of, processes, hosts, releases, since } = spread;
  const on = hosts > 1 ? `, on ${number(hosts)} hosts` : '';
  // the detector has said the rest
  const where = detector === 'replicas' ? [] : [`In ${number(processes)} of ${number(of)} processes that ran it${on}`];
  if (since === null) return where;
  const before = releases.slice(
    0,
    releases.findIndex(({ release }) => release === since),
  );
  const acquired = before.reduce((total, each) => total + each.acquired, 0);
  const earlier = before.at(-1)?.release ?? '';
  return [
    `New since release ${since}: ${earlier} and before acquired ${number(acquired)} here, and kept none`,
    ...where,
  ];
}

function scopeSentence(scope: ScopeShare, verb: string): string {
  return scope.failedWith
    ? `${verb} ${shareOf(scope)}, all of which failed with ${scope.failedWith}; no other did`
    : `${verb} ${shareOf(scope)}`;
}
