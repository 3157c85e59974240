/** Rules: YAML files with a CEL condition over one record. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Environment } from '@marcbachmann/cel-js';
import { isMap, LineCounter, parseDocument } from 'yaml';
import { UserError } from '../../user-error.ts';
import type { CloudRecord } from '../records/record.ts';

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A record as far as an example needs it; what is left out is null. */
export type Example = Partial<CloudRecord>;

export interface Rule {
  id: string;
  title: string;
  severity: Severity;
  kind: CloudRecord['kind'];
  /** Event names of an activity rule, resource types of a posture rule: nothing else is looked at. */
  names: string[];
  examples: { match: Example[]; noMatch: Example[] };
  /** A record that lacks a field of the condition does not match. */
  matches(record: Example): boolean;
}

/** `record` is the record without `raw`; `raw` is the event or the resource's configuration. */
const cel = new Environment().registerVariable('record', 'map').registerVariable('raw', 'dyn');

export class RuleSet {
  readonly rules: readonly Rule[];
  readonly #byName = new Map<string, Rule[]>();

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
    for (const rule of rules) {
      for (const name of rule.names) this.#byName.set(name, [...(this.#byName.get(name) ?? []), rule]);
    }
  }

  matching(record: CloudRecord): Rule[] {
    return (this.#byName.get(record.name) ?? []).filter((rule) => rule.kind === record.kind && rule.matches(record));
  }
}

/** All `.yaml` files below a folder. Throws `UserError` naming file, line and reason for the first bad rule. */
export async function loadRules(folder: string): Promise<RuleSet> {
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`The rules folder ${folder} cannot be read (${error.code}).`);
  });
  const rules = new Map<string, Rule>();
  for (const name of names.filter((each) => /\.ya?ml$/.test(each)).sort()) {
    const file = join(folder, name);
    const rule = parseRule(await readFile(file, 'utf8'), file);
    if (rules.has(rule.id)) throw new UserError(`${file}:1: the rule id "${rule.id}" is taken by another file.`);
    rules.set(rule.id, rule);
  }
  if (rules.size === 0) throw new UserError(`The rules folder ${folder} has no .yaml file.`);
  return new RuleSet([...rules.values()]);
}

const FIELDS = ['id', 'title', 'severity', 'kind', 'events', 'resources', 'condition', 'examples'];

/** `file` is only for messages. */
export function parseRule(text: string, file: string): Rule {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const refuse = (reason: string, field?: string): never => {
    const pair = isMap(document.contents)
      ? document.contents.items.find((item) => String(item.key) === field)
      : undefined;
    const offset = (pair?.key as { range?: [number] } | undefined)?.range?.[0] ?? 0;
    throw new UserError(`${file}:${counter.linePos(offset).line}: ${reason}.`);
  };
  const syntax = document.errors[0];
  if (syntax) {
    const reason = syntax.message.split('\n')[0]!.replace(/\.$/, '');
    throw new UserError(`${file}:${counter.linePos(syntax.pos[0]).line}: not valid YAML: ${reason}.`);
  }
  if (!isMap(document.contents)) refuse('a rule is a map of fields');
  const rule = document.toJS() as Record<string, unknown>;

  const unknown = Object.keys(rule).find((field) => !FIELDS.includes(field));
  if (unknown) refuse(`unknown field "${unknown}"; a rule has ${FIELDS.join(', ')}`, unknown);
  const text_ = (field: string): string => {
    const value = rule[field];
    return typeof value === 'string' && value.trim() !== '' ? value : refuse(`"${field}" must be a text`, field);
  };
  const id = text_('id');
  const title = text_('title');
  const kind = text_('kind') as Rule['kind'];
  if (kind !== 'activity' && kind !== 'resource') refuse('"kind" must be activity or resource', 'kind');
  const severity = text_('severity') as Severity;
  if (!SEVERITIES.includes(severity)) refuse(`"severity" must be one of ${SEVERITIES.join(', ')}`, 'severity');
  const index = kind === 'activity' ? 'events' : 'resources';
  const names = rule[index] as string[];
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string')) {
    refuse(`"${index}" must be a list of ${kind === 'activity' ? 'event names' : 'resource types'}`, index);
  }
  const condition = text_('condition');
  const check = cel.check(condition);
  const problem = check.error?.message.split('\n')[0] ?? (['bool', 'dyn'].includes(check.type!) ? null : 'not a bool');
  if (problem) refuse(`the condition is no CEL expression that gives true or false: ${problem}`, 'condition');
  const evaluate = cel.parse(condition);

  const examples = rule.examples as Rule['examples'];
  for (const list of ['match', 'noMatch'] as const) {
    if (!Array.isArray(examples?.[list]) || examples[list].length === 0) {
      refuse(`"examples" needs at least one under "${list}"`, 'examples');
    }
  }
  const matches = ({ raw, ...record }: Example) => {
    try {
      return evaluate({ record: { ...NO_RECORD, ...record }, raw }) === true;
    } catch {
      return false;
    }
  };
  return { id, title, severity, kind, names, examples, matches };
}

const NO_RECORD = { actor: null, sourceIp: null, resource: null, time: null };
