/** The shell blocks of a page of the documentation, each with the comment above it that says how it is tested. */
export interface Block {
  text: string;
  /** Where it runs: in a clone of this repository, or in somebody's service that has outlive installed. */
  in: 'clone' | 'service';
  /** Without a `DATABASE_URL`, so on a private PostgreSQL. */
  isPrivate: boolean;
  /** Its exit code. */
  exit: number;
  /** What it has to print, on either stream. */
  prints: RegExp;
}

const BLOCK = /^(?:<!-- ((?:(?!-->)[\s\S])*) -->\n)?```sh\n([\s\S]*?)\n```$/gm;
const RUN =
  /^run in a (?<in>clone|service)(?<isPrivate>, on a private database)?(?:, exit (?<exit>\d+))?, prints \/(?<prints>.+)\/$/;

const HELP = `Above each shell block stands one of
  <!-- run in a service, prints /a regular expression/ -->
  <!-- run in a clone, on a private database, exit 1, prints /a regular expression/ -->
  <!-- not run: why not -->
where the middle two may be left out`;

/** In their order, without those that are not run. Throws, in a sentence, when a block does not say how it is tested. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(BLOCK)].flatMap(([, comment = '', text = '']) => {
    if (/^not run: \S/.test(comment)) return [];
    const { in: where, isPrivate, exit = '0', prints } = RUN.exec(comment)?.groups ?? {};
    if (!where || !prints) throw new Error(`${HELP}. It is "${comment}" above:\n${text}`);
    const block = { text, in: where as Block['in'], isPrivate: isPrivate !== undefined, exit: Number(exit) };
    return [{ ...block, prints: new RegExp(prints) }];
  });
}
