/** Rules as files: YAML with a CEL condition over one record, and examples that it has to tell apart. */
import { type Document, isMap, LineCounter, parseAllDocuments } from 'yaml';
import { UserError } from '../../user-error.ts';
import { type CloudRecord, RECORD_SOURCES } from '../records/record.ts';
import { conditionFrom } from './condition.ts';
import { type Example, factsOf, type Rule, SEVERITIES } from './rule.ts';
import { isSigma, sigmaRule } from './sigma/sigma.ts';

class RuleError extends UserError {}

/**
 * All rules of a file: its YAML documents. `file` is only for messages. Throws `UserError` with file, line and rule for
 * what is no rule; a Sigma rule that cannot be run is a sentence under `skipped`.
 */
export function parseRules(text: string, file: string): { rules: Rule[]; skipped: string[] } {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: counter, prettyErrors: false });
  const rules: Rule[] = [];
  const skipped: string[] = [];
  for (const document of Array.isArray(documents) ? documents : []) {
    try {
      rules.push(parseDocument(document, (offset) => `${file}:${counter.linePos(offset).line}`));
    } catch (error) {
      if (!(error instanceof RuleError) || !isSigma(document.toJS())) throw error;
      skipped.push(error.message);
    }
  }
  return { rules, skipped };
}

/** The only rule of a file. */
export function parseRule(text: string, file: string): Rule {
  const { rules, skipped } = parseRules(text, file);
  if (rules.length !== 1) throw new RuleError(skipped[0] ?? `${file}:1: one rule was expected.`);
  return rules[0]!;
}

type Refuse = (reason: string, field?: string) => never;

function parseDocument(document: Document.Parsed, at: (offset: number) => string): Rule {
  const { contents } = document;
  const start = contents?.range?.[0] ?? 0;
  const syntax = document.errors[0];
  if (syntax) {
    const reason = syntax.message.split('\n')[0]!.replace(/\.$/, '');
    throw new RuleError(`${at(syntax.pos[0])}: not valid YAML: ${reason}.`);
  }
  const refuse: Refuse = (reason, field) => {
    const pair = isMap(contents) ? contents.items.find((item) => String(item.key) === field) : undefined;
    const offset = (pair?.key as { range?: [number] } | undefined)?.range?.[0] ?? start;
    throw new RuleError(`${at(offset)}: ${reason}.`);
  };
  if (!isMap(contents)) refuse('a rule is a map of fields');
  const fields = document.toJS() as Record<string, unknown>;
  return isSigma(fields) ? sigmaRule(fields, refuse) : ownRule(fields, refuse);
}

const FIELDS = [
  ...['id', 'title', 'severity', 'kind', 'sources', 'events', 'resources', 'condition', 'examples'],
  ...['author', 'description', 'references'],
];

function ownRule(fields: Record<string, unknown>, refuse: Refuse): Rule {
  const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
  if (unknown) refuse(`unknown field "${unknown}"; a rule has ${FIELDS.join(', ')}`, unknown);
  const textOf = (field: string): string => {
    const value = fields[field];
    return typeof value === 'string' && value.trim() !== '' ? value : refuse(`"${field}" must be a text`, field);
  };
  const wordOf = <T extends string>(field: string, words: readonly T[]): T => {
    const word = textOf(field) as T;
    return words.includes(word) ? word : refuse(`"${field}" must be one of ${words.join(', ')}`, field);
  };
  const listOf = (field: string, what: string): string[] => {
    const list = fields[field];
    const isList = Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === 'string');
    return isList ? list : refuse(`"${field}" must be a list of ${what}`, field);
  };
  const id = textOf('id');
  const kind = wordOf('kind', ['activity', 'resource']);
  const names = kind === 'activity' ? listOf('events', 'event names') : listOf('resources', 'resource types');
  const condition = conditionFrom(textOf('condition'), id);
  if ('problem' in condition) {
    return refuse(`the condition is no CEL expression that gives true or false: ${condition.problem}`, 'condition');
  }
  const rule: Rule = {
    ...{ id, title: textOf('title'), severity: wordOf('severity', SEVERITIES), kind, names },
    author: fields.author === undefined ? null : textOf('author'),
    sources: fields.sources === undefined ? null : sourcesFrom(listOf('sources', 'record sources'), refuse),
    condition,
  };
  checkExamples(rule, fields.examples, refuse);
  return rule;
}

function sourcesFrom(words: string[], refuse: Refuse): CloudRecord['source'][] {
  const unknown = words.find((word) => !(RECORD_SOURCES as readonly string[]).includes(word));
  if (unknown) refuse(`"${unknown}" is no record source; there are ${RECORD_SOURCES.join(', ')}`, 'sources');
  return words as CloudRecord['source'][];
}

/** Those that match have to match, the others not: a rule that fails its own examples finds what nobody expects. */
function checkExamples(rule: Rule, examples: unknown, refuse: Refuse): void {
  for (const list of ['match', 'noMatch'] as const) {
    const of = (examples as Record<string, unknown> | undefined)?.[list];
    if (!Array.isArray(of) || of.length === 0) refuse(`"examples" needs at least one under "${list}"`, 'examples');
    const wrong = (of as Example[]).findIndex((example) => rule.condition(factsOf(example)) !== (list === 'match'));
    if (wrong === -1) continue;
    const does = list === 'match' ? 'does not match' : 'matches';
    refuse(`rule "${rule.id}": its example ${wrong + 1} under "${list}" ${does}`, 'examples');
  }
}
