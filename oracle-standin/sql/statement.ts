/** A statement for PostgreSQL, and where the values of its parameters come from. */
import type { Token } from './tokens.ts';
import { VIEWS, type ViewName } from './views.ts';

export type Parameter = { bind: number } | { view: ViewName };

export interface Statement {
  text: string;
  /** Of `$1`, `$2`, …. */
  parameters: Parameter[];
  /** Of what it selects, in order: see `names.ts`. */
  names?: readonly (string | null)[];
}

/** Prints what was rewritten: binds become numbered parameters, views of the stand-in common table expressions. */
export function statement(tokens: readonly Token[]): Statement {
  const parameters: Parameter[] = [];
  const parts: string[] = [];
  const used = new Set<ViewName>();
  for (const token of tokens) {
    if (token.kind === 'bind') {
      parameters.push({ bind: token.bind ?? 0 });
      parts.push(`$${parameters.length}`);
    } else {
      if (token.kind === 'word' && Object.hasOwn(VIEWS, token.value)) used.add(token.value as ViewName);
      parts.push(token.text);
    }
  }
  if (used.size === 0) return { text: parts.join(''), parameters };
  const views = [...used].map((view) => {
    parameters.push({ view });
    return VIEWS[view](`$${parameters.length}`);
  });
  const text = parts.join('').trimStart();
  const rest = /^with\b/i.test(text) ? `,${text.slice(4)}` : ` ${text}`;
  return { text: `with ${views.join(', ')}${rest}`, parameters };
}
