/** Markup as tagged templates: every value is escaped unless it is markup itself. */
import { visible } from '../words.ts';

/** Markup that is safe to put into a page. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | null | undefined | false | Content[];

export function html(strings: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(strings.reduce((page, text, i) => page + render(values[i - 1]) + text));
}

/** JSON that cannot end the script element it stands in. */
export function json(data: unknown): Markup {
  return new Markup(
    JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

function render(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (Array.isArray(content)) return content.map(render).join('');
  if (content === null || content === undefined || content === false) return '';
  return visible(String(content)).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
