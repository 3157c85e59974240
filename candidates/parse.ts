/** Sources to syntax trees, by oxc-parser: an optional peer, loaded for this alone. */
import type { Node } from './syntax.ts';

/** Throws, in a sentence, where the text is no JavaScript or TypeScript; `file` tells which by its ending. */
export type Parse = (file: string, text: string) => Node;

/** Rejects as `import` does when the package is not there. */
export async function loadParser(): Promise<Parse> {
  const { parseSync } = await import('oxc-parser');
  return (file, text) => {
    const { program, errors } = parseSync(file, text, /\.[cm]?js$/.test(file) ? { lang: 'jsx' } : {});
    const [first] = errors;
    if (first) throw new SyntaxError(first.message);
    return program as unknown as Node;
  };
}
