/** The condition of a Sigma rule: `selection and not 1 of filter_*`, with brackets. */
import type { Fields } from '../../records/fields.ts';

export type Search = (event: Fields) => boolean;
type Parsed = { search: Search } | { problem: string };

class NotUnderstood extends Error {}

export function expressionFrom(condition: unknown, searches: ReadonlyMap<string, Search>): Parsed {
  if (typeof condition !== 'string') return { problem: 'its condition is not one text' };
  try {
    return { search: new Parser(condition, searches).whole() };
  } catch (error) {
    if (error instanceof NotUnderstood) return { problem: error.message };
    throw error;
  }
}

class Parser {
  readonly #words: string[];
  readonly #searches: ReadonlyMap<string, Search>;

  constructor(condition: string, searches: ReadonlyMap<string, Search>) {
    this.#words = condition.match(/[()]|[^\s()]+/g) ?? [];
    this.#searches = searches;
  }

  whole(): Search {
    const search = this.#or();
    if (this.#words.length > 0) throw new NotUnderstood(`its condition has "${this.#words[0]}" where it should end`);
    return search;
  }

  #or(): Search {
    const parts = [this.#and()];
    while (this.#accept('or')) parts.push(this.#and());
    return parts.length === 1 ? parts[0]! : (event) => parts.some((part) => part(event));
  }

  #and(): Search {
    const parts = [this.#not()];
    while (this.#accept('and')) parts.push(this.#not());
    return parts.length === 1 ? parts[0]! : (event) => parts.every((part) => part(event));
  }

  #not(): Search {
    if (this.#accept('not')) {
      const search = this.#not();
      return (event) => !search(event);
    }
    if (this.#accept('(')) {
      const search = this.#or();
      if (!this.#accept(')')) throw new NotUnderstood('its condition lacks a bracket');
      return search;
    }
    return this.#named(this.#words.shift());
  }

  #named(word: string | undefined): Search {
    if (word === undefined) throw new NotUnderstood('its condition ends too early');
    if (/^(1|any|all)$/i.test(word) && this.#accept('of')) {
      const named = this.#matching(this.#words.shift() ?? '');
      const isAll = word.toLowerCase() === 'all';
      return (event) => (isAll ? named.every((search) => search(event)) : named.some((search) => search(event)));
    }
    const search = this.#searches.get(word);
    if (!search) throw new NotUnderstood(`its condition names "${word}", which is no search of it`);
    return search;
  }

  /** `selection_*`, or `them`: all whose names do not begin with a line below. */
  #matching(pattern: string): Search[] {
    const isName = (name: string) => {
      if (pattern === 'them') return !name.startsWith('_');
      return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
    };
    const named = [...this.#searches].filter(([name]) => isName(name));
    if (named.length === 0) throw new NotUnderstood(`its condition names "${pattern}", which none of its searches is`);
    return named.map(([, search]) => search);
  }

  #accept(word: string): boolean {
    if (this.#words[0]?.toLowerCase() !== word) return false;
    this.#words.shift();
    return true;
  }
}
