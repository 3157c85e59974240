/** Rules by the names of the records that they look at, and the folders that they come from. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../user-error.ts';
import { type CloudRecord, Unusable } from '../records/record.ts';
import type { Facts } from './condition.ts';
import type { IntelHit } from './intel.ts';
import { factsOf, type Rule } from './rule.ts';
import { parseRules } from './rule-file.ts';

export { type Example, factsOf, type Rule, SEVERITIES, type Severity } from './rule.ts';
export { parseRule } from './rule-file.ts';

/** Of names that were seen, so that a pattern is tried once a name; more are rare, and are looked for each time. */
const MOST_NAMES = 10_000;

export class RuleSet {
  readonly rules: readonly Rule[];
  /** A sentence for each rule that was not understood. */
  readonly skipped: readonly string[];
  readonly #exact = new Map<string, Rule[]>();
  readonly #patterns: { pattern: RegExp; rule: Rule }[] = [];
  readonly #known = new Map<string, readonly Rule[]>();

  constructor(rules: readonly Rule[], skipped: readonly string[] = []) {
    this.rules = rules;
    this.skipped = skipped;
    for (const rule of rules) for (const name of rule.names) this.#enter(rule, nameKey(name));
  }

  /**
   * The rules that match. One that fails goes to `failed`, and the others still count; without it, it is thrown.
   */
  matching(record: CloudRecord, intel: readonly IntelHit[] = [], failed?: (problem: Unusable) => void): Rule[] {
    const matched: Rule[] = [];
    let facts: Facts | null = null; // most records have no rule that is for them
    for (const rule of this.#for(record.name)) {
      if (rule.kind !== record.kind || rule.sources?.includes(record.source) === false) continue;
      facts ??= factsOf({ ...record, intel });
      try {
        if (rule.condition(facts)) matched.push(rule);
      } catch (error) {
        if (!failed || !(error instanceof Unusable)) throw error;
        failed(error);
      }
    }
    return matched;
  }

  #enter(rule: Rule, name: string): void {
    if (name.includes('*')) {
      const parts = name.split('*').map((part) => part.replace(/[^\w]/g, '\\$&'));
      this.#patterns.push({ pattern: new RegExp(`^${parts.join('.*')}$`, 's'), rule });
      return;
    }
    const others = this.#exact.get(name);
    if (others) others.push(rule);
    else this.#exact.set(name, [rule]);
  }

  #for(name: string): readonly Rule[] {
    const known = this.#known.get(name);
    if (known) return known;
    const key = nameKey(name);
    const byPattern = this.#patterns.filter(({ pattern }) => pattern.test(key)).map(({ rule }) => rule);
    const rules = [...new Set([...(this.#exact.get(key) ?? []), ...byPattern])];
    if (this.#known.size < MOST_NAMES) this.#known.set(name, rules);
    return rules;
  }
}

/** In any case, and without the version that Lambda's and CloudFront's calls carry: `Invoke20150331v2`. */
function nameKey(name: string): string {
  return name.toLowerCase().replace(/(?<=[a-z])20\d{6}(v\d+)?$|(?<=[a-z])20\d\d_\d\d_\d\d$/, '');
}

/**
 * All `.yaml` files below the folders. Throws `UserError` naming file, line and reason for the first bad rule of ours;
 * Sigma rules that cannot be run are skipped, and said.
 */
export async function loadRules(...folders: string[]): Promise<RuleSet> {
  const rules = new Map<string, Rule>();
  const skipped: string[] = [];
  for (const folder of folders) {
    const before = rules.size + skipped.length;
    for (const file of await filesIn(folder)) {
      const found = parseRules(await readFile(file, 'utf8'), file);
      skipped.push(...found.skipped);
      for (const rule of found.rules) {
        if (rules.has(rule.id)) throw new UserError(`${file}:1: the rule id "${rule.id}" is taken by another file.`);
        rules.set(rule.id, rule);
      }
    }
    const isEmpty = rules.size + skipped.length === before;
    if (isEmpty) throw new UserError(`The rules folder ${folder} has no .yaml file with a rule.`);
  }
  return new RuleSet([...rules.values()], skipped);
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`The rules folder ${folder} cannot be read (${error.code}).`);
  });
  const files = names.filter((each) => /\.ya?ml$/.test(each)).sort();
  return files.map((name) => join(folder, name));
}
