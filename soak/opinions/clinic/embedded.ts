/** The JSON object or list that follows `mark` in a page; null where there is none. */
export function embedded<T>(page: string, mark: string): T | null {
  const at = page.indexOf(mark);
  const from = at < 0 ? -1 : page.slice(at + mark.length).search(/\S/) + at + mark.length;
  if (from < 0 || !'{['.includes(page[from] ?? ' ')) return null;
  try {
    return JSON.parse(page.slice(from, endOf(page, from))) as T;
  } catch {
    return null;
  }
}

/** Behind the bracket that closes the one at `from`. */
function endOf(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      while (++i < text.length && text[i] !== '"') if (text[i] === '\\') i++;
    } else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return i + 1;
  }
  return text.length;
}
