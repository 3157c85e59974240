/** Text and code of a service as Markdown. */
import { visible } from './words.ts';

/** Code, which nothing in it can end. */
export function block(language: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines, fence, ''];
}

/** Text of the service stays text: no markup, no mention of anybody, no link, one line. */
export function text(value: string): string {
  return markup(value)
    .replace(/[\\`*_[\]|~]/g, (character) => `\\${character}`)
    .replace(/^([#+>-]|\d+[.)])/, (start) => start.replace(/(?=.$)/, '\\'));
}

export function markup(value: string): string {
  return visible(value)
    .replace(/\s+/g, ' ')
    .replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/@|\bwww(?=\.)/gi, '$&\u200b')
    .replace(/:(?=\/\/)/g, ':\u200b');
}

/** In a table a bar ends the cell even inside code. */
export function code(value: string): string {
  const plain = visible(value).replace(/\s+/g, ' ').replaceAll('|', '\\|');
  const fence = '`'.repeat(Math.max(0, ...(plain.match(/`+/g) ?? []).map((run) => run.length)) + 1);
  return plain.includes('`') ? `${fence} ${plain} ${fence}` : `\`${plain}\``;
}
