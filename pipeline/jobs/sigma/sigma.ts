/**
 * Sigma rules for CloudTrail, run as they are (https://sigmahq.io/docs/basics/rules.html). Texts are compared in any
 * case, `*` and `?` are wildcards, a field that is not there does not match. What is not understood is refused with its
 * line, never half-done: correlations, field transformations of logs other than CloudTrail's, unknown modifiers.
 */
import { type Fields, fieldsOf, isFields } from '../../records/fields.ts';
import { limited } from '../condition.ts';
import type { Rule, Severity } from '../rule.ts';
import { expressionFrom, type Search } from './expression.ts';
import { searchFrom } from './search.ts';

export function isSigma(fields: unknown): boolean {
  return isFields(fields) && ('logsource' in fields || 'detection' in fields);
}

const SEVERITY: Record<string, Severity> = {
  ...{ informational: 'low', low: 'low', medium: 'medium', high: 'high', critical: 'critical' },
};

export function sigmaRule(fields: Fields, refuse: (reason: string, field?: string) => never): Rule {
  const { id, title, level, author } = fields;
  const name = typeof id === 'string' ? id : refuse('a Sigma rule without id', 'id');
  const { product, service } = fieldsOf(fields.logsource);
  if (product !== 'aws' || service !== 'cloudtrail') {
    refuse(
      `rule "${name}" is for ${String(product)} ${String(service)}; of Sigma's rules those for aws cloudtrail are run`,
      'logsource',
    );
  }
  const { condition, timeframe, ...named } = fieldsOf(fields.detection);
  if (timeframe !== undefined) refuse(`rule "${name}" counts over time, which is not run`, 'detection');
  const searches = new Map<string, Search>();
  for (const [key, content] of Object.entries(named)) {
    const search = searchFrom(content);
    if ('problem' in search) return refuse(`rule "${name}", ${key}: ${search.problem}`, 'detection');
    searches.set(key, search.search);
  }
  const expression = expressionFrom(condition, searches);
  if ('problem' in expression) return refuse(`rule "${name}": ${expression.problem}`, 'detection');
  const search: Search = expression.search;
  return {
    id: name,
    title: typeof title === 'string' ? title : name,
    severity: SEVERITY[String(level ?? 'medium')] ?? refuse(`rule "${name}": unknown level "${level}"`, 'level'),
    kind: 'activity',
    author: typeof author === 'string' ? author : null,
    sources: ['aws-cloudtrail'],
    names: namesFrom(named, String(condition)) ?? ['*'],
    condition: limitedIfPattern(({ raw }) => isFields(raw) && search(raw), named, name),
  };
}

/** Regular expressions, and wildcards for one character, may take long; all else takes time linear in the text. */
function limitedIfPattern(condition: Parameters<typeof limited>[0], named: Fields, rule: string) {
  return /\|re\b|\?/.test(JSON.stringify(named)) ? limited(condition, rule) : condition;
}

/** Event names without which none of the searches can match: an index, nothing more. Null where any name may do. */
function namesFrom(named: Fields, condition: string): string[] | null {
  // What is excluded under another name than `filter` would be taken for what is wanted.
  if (/\bnot\s+(?!((1|any|all)\s+of\s+)?filter)/i.test(condition)) return null;
  const names = Object.entries(named)
    .filter(([key]) => !key.startsWith('filter'))
    .flatMap(([, content]) => (Array.isArray(content) ? content : [content]))
    .map((part) => (isFields(part) && 'eventName' in part ? [part.eventName].flat() : null));
  const known = names.filter((list) => list !== null).flat();
  if (known.length === 0 || !known.every((name) => typeof name === 'string' && !name.includes('?'))) return null;
  // A part without names is joined by `and` with those that have them, or it is not: only then is the index right.
  return names.includes(null) ? null : known.map(String);
}
