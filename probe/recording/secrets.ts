/** How secrets look, and where they end. Each function is linear in what it is given, or looks at a bounded part of it. */

/** Names that mean a secret wherever they stand in a name: `PGPASSWORD`, `clientSecret`, `x-api-key`. */
const SECRET_PART =
  /passw|passphrase|passcode|pwd|secret|token|credential|authori[sz]ation|cookie|session|signature|jwt|bearer|api[-_]?key|access[-_]?key|private[-_]?key/i;
/** … and those that mean one as the last of its words. */
const SECRET_END =
  /(?:^|[_.-])(?:pw|pass|auth|key|keys|sid|sig|otp|pin|salt|dsn|creds?)$|[a-z](?:Key|Pw|Pass|Auth|Sid|Sig|Otp|Pin|Salt|Dsn)$/i;
/** Words that a secret follows with nothing but space between. */
const SECRET_WORD =
  /^(?:password|passwd|passphrase|pwd|secret|token|bearer|api[-_]?key|credentials?)$|[_-](?:password|passwd|secret|token)$/i;

/** `name`: at most some eighty characters. */
export function isSecretName(name: string): boolean {
  return SECRET_PART.test(name) || SECRET_END.test(name);
}

export function isSecretWord(name: string): boolean {
  return SECRET_WORD.test(name);
}

/** Behind `-----BEGIN`. */
export const PRIVATE_KEY: RegExp = / [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y;

/** Keys and tokens of well-known services, from the beginning of a word. */
const KNOWN =
  /(?:A[KS]IA[A-Z0-9]{12}|gh[a-z]_\w{16}|github_pat_\w{16}|glpat-[\w-]{16}|[rsp]k_(?:live|test)_\w{8}|sk-[\w-]{16}|xox[a-z]-[\w-]{8}|AIza[\w-]{20}|npm_\w{20}|ya29\.[\w-]{8}|SG\.[\w-]{8}|eyJ[\w-]{8,4096}\.[\w-])/y;

/** Characters of the shortest of these that is one word, and the words of those of two. */
const SHORTEST = 11;
const BEFORE_DOT = ['SG', 'ya29'];

/** Whether `word`, which stands in `text` at `at`, is a secret by its look. */
export function isKnownToken(text: string, at: number, word: string): boolean {
  if (word.length < SHORTEST && !BEFORE_DOT.includes(word)) return false;
  KNOWN.lastIndex = at;
  if (KNOWN.test(text)) return true;
  return (
    word.length >= 24 &&
    /[a-z]/.test(word) &&
    /[A-Z]/.test(word) &&
    /\d[A-Za-z_-]+\d/.test(word) &&
    !/[_-]{2}/.test(word)
  );
}

/** Schemes in whose paths an `@` is nothing special. */
const WEB = /^(?:https?|wss?|file|data|node|git|npm)$/i;
const HOST = /^(?:\[[\da-f:.]*\]|[\w.-]*)(?::\d*)?$/i;
const SCHEME = /[a-z][a-z0-9]*$/i;

/**
 * Credentials in a word without spaces: of a URL, of easy connect (`user/password@host`), or `user:password@host`. The
 * password may hold `@`, `/` and `:`, so they reach to the last `@`. `isCut`: the word went on.
 */
export function credentialsIn(word: string, isCut: boolean): { from: number; to: number } | null {
  const last = word.lastIndexOf('@');
  const scheme = word.indexOf('://');
  if (scheme >= 0) return ofUrl(word, scheme, last, isCut);
  // a path, a package or a mail address has none
  if (last <= 0 || !/^[\w$]/.test(word) || !/^[\w[/$.]/.test(word.slice(last + 1, last + 2))) return null;
  const head = word.slice(0, last);
  return /[:/]/.test(head) && !head.includes('node_modules') ? { from: 0, to: last + 1 } : null;
}

function ofUrl(word: string, scheme: number, last: number, isCut: boolean): { from: number; to: number } | null {
  const from = scheme + 3;
  const [authority = ''] = word.slice(from).split(/[/?#]/, 1);
  const isHost = HOST.test(authority);
  const name = SCHEME.exec(word.slice(Math.max(0, scheme - 20), scheme))?.[0] ?? '';
  if (last > from) return isHost && WEB.test(name) ? null : { from, to: last + 1 };
  return isCut && !isHost && authority.includes(':') ? { from, to: word.length } : null;
}

const OPENING = /\\{0,3}["'`]/y;
const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };
/** Behind a comma or the like: the value has ended, not merely such a character of it. */
const ENDS = /[,;&)}\]](?=$|[\s,;)}\]"'`]|[\w.$-]{1,64}\s{0,4}[=:])/y;

/** Index behind the value that begins at `at`. That of a header has the rest of its line, or of its quotes. */
export function endOfValue(text: string, at: number, header: { quote: string } | null): number {
  OPENING.lastIndex = at;
  const quote = OPENING.exec(text)?.[0];
  if (quote !== undefined) return endOfQuoted(text, at + quote.length, quote);
  const closing = CLOSING[text[at] ?? ''];
  if (closing !== undefined) return endOfBracketed(text, at, text[at] as string, closing);
  for (let end = at; end < text.length; end++) {
    const character = text[end] as string;
    if (/[\n\r]/.test(character) || character === header?.quote) return end;
    if (header !== null) continue;
    if (/[\s"'`]/.test(character)) return end;
    ENDS.lastIndex = end;
    if (ENDS.test(text)) return end;
  }
  return text.length;
}

function endOfQuoted(text: string, from: number, quote: string): number {
  if (quote.length > 1) {
    const at = text.indexOf(quote, from);
    return at < 0 ? text.length : at + quote.length;
  }
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
}

function endOfBracketed(text: string, from: number, opening: string, closing: string): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === opening) depth++;
    else if (text[at] === closing && --depth === 0) return at + 1;
  }
  return text.length;
}
