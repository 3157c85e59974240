/** Conditions of rules: CEL over one record, each evaluation within a limit of time. */
import { Environment } from '@marcbachmann/cel-js';
import { fieldsOf } from '../records/fields.ts';
import { Unusable } from '../records/record.ts';
import { within } from './time-limit.ts';

/**
 * `record` is the record without `raw`; `raw` is the event or the resource's configuration; `intel` is what intelligence
 * lists know of what the record names: `{ indicator, type, list, isThreat, field }` each.
 */
const cel = new Environment()
  .registerVariable('record', 'map')
  .registerVariable('raw', 'dyn')
  .registerVariable('intel', 'list')
  .registerFunction('string.isWorld(): bool', isWorld)
  .registerFunction('succeeded(dyn): bool', (raw: unknown) => !fieldsOf(raw).errorCode)
  .registerFunction('listOf(dyn): list', (value: unknown) => (Array.isArray(value) ? value : [value]))
  .registerFunction('string.same(string): bool', (one: string, other: string) => sameText(one, other));

/** What a condition is evaluated over. */
export type Facts = Readonly<Record<'record' | 'raw' | 'intel', unknown>>;

/** Throws `RuleTimeLimit`. A field that is not there makes it false. */
export type Condition = (facts: Facts) => boolean;

/** Why the text is no condition, or the condition. */
export function conditionFrom(text: string, rule: string): Condition | { problem: string } {
  const check = cel.check(text);
  const problem = check.error?.message.split('\n')[0] ?? (['bool', 'dyn'].includes(check.type!) ? null : 'not a bool');
  if (problem) return { problem };
  const evaluate = cel.parse(text);
  const condition: Condition = (facts) => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // a field that is not there throws, and nobody reads from where
    try {
      return evaluate(facts) === true;
    } catch {
      return false;
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  };
  if (text.includes('matches(')) return limited(condition, rule);
  const depth = loopsWithinLoops(text);
  if (depth < 2) return condition;
  const guarded = limited(condition, rule);
  return (facts) => (isSmall(facts.raw, MOST_STEPS ** (1 / depth)) ? condition(facts) : guarded(facts));
}

/** A rule took longer than its limit over one record. */
export class RuleTimeLimit extends Unusable {
  constructor(rule: string, detail: string) {
    super('rule-time-limit', `rule "${rule}" ${detail}`);
  }
}

/** Milliseconds of processor time for one evaluation; and after how many that took longer a rule is not tried again. */
export const RULE_LIMIT = 500;
const STRIKES = 3;

/** Loops over so few elements end at once: the guard, which takes 0.1 ms, is for patterns and for large records. */
const MOST_STEPS = 100_000;

/** How deep loops of a condition stand within each other. */
export function loopsWithinLoops(text: string): number {
  const isLoop: boolean[] = [];
  let deepest = 0;
  for (const [token] of text.matchAll(
    /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\.(?:exists|all|filter|map|exists_one)\(|[()]/g,
  )) {
    if (token === ')') isLoop.pop();
    else if (token.endsWith('(')) isLoop.push(token !== '(');
    deepest = Math.max(deepest, isLoop.filter(Boolean).length);
  }
  return deepest;
}

/** Has at most so many values in it. */
function isSmall(value: unknown, most: number): boolean {
  let left = most;
  const walk = (inner: unknown): void => {
    if (left-- <= 0 || typeof inner !== 'object' || inner === null) return;
    for (const key in inner) walk((inner as Record<string, unknown>)[key]);
  };
  walk(value);
  return left > 0;
}

/** A rule that has run into the limit three times is out for the rest of the process: each record says so at once. */
export function limited(condition: Condition, rule: string): Condition {
  let strikes = 0;
  return (facts) => {
    if (strikes >= STRIKES)
      throw new RuleTimeLimit(rule, `was switched off: it took more than ${RULE_LIMIT} ms ${STRIKES} times`);
    const answer = within(RULE_LIMIT, () => condition(facts));
    if (answer !== undefined) return answer;
    strikes++;
    throw new RuleTimeLimit(rule, `took more than ${RULE_LIMIT} ms over this record`);
  };
}

/** Every address of either family: a prefix of no bits, whatever stands before it. */
function isWorld(cidr: string): boolean {
  return /^[\da-f.:]+\/0+$/i.test(cidr.trim());
}

function sameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
