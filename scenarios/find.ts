/** The scenario that is meant: one of the catalog by its name, or one in a file. */
import { loadModule } from '../soak/load-module.ts';
import { UserError } from '../user-error.ts';
import { SCENARIOS } from './catalog.ts';
import type { Scenario } from './scenario.ts';

export type { Scenario } from './scenario.ts';

/** Of several words the one that means a scenario: the first that can, or the first. */
export function wordOfScenario(words: readonly string[]): string | undefined {
  return words.find((word) => isPath(word) || SCENARIOS.some(({ name }) => name === word)) ?? words[0];
}

/** Throws `UserError`. */
export async function findScenario(asked: string): Promise<Scenario> {
  const known = SCENARIOS.find(({ name }) => name === asked);
  if (known) return known;
  if (!isPath(asked))
    throw new UserError(`There is no scenario "${asked}"; there is ${SCENARIOS.map(({ name }) => name).join(', ')}.`);
  const scenario = (await loadModule(asked)).default;
  const wrong = complaint(scenario);
  if (wrong !== null) throw new UserError(`${asked} is no scenario: ${wrong}.`);
  return scenario as Scenario;
}

function isPath(word: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(word);
}

/** What is wrong, to go after "is no scenario:", or null. */
function complaint(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return 'it has no default export made by defineScenario';
  const scenario = value as Record<string, unknown>;
  for (const key of ['name', 'title', 'story']) if (typeof scenario[key] !== 'string') return `it has no ${key}`;
  if (!Number.isInteger(scenario.runs)) return 'runs is not a whole number';
  return typeof scenario.soak === 'function' ? null : 'it has no function soak';
}
