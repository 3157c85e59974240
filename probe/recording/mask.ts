/**
 * Secrets never reach a recording: whatever text of the service is written passes through here.
 *
 * Hidden are credentials in URLs and connect strings, values that a name or an option calls secret, headers of
 * authorization and cookies, private keys, and tokens that are known by their look. Errs on the side of hiding. Linear in
 * the text, and of a long one only the beginning is read.
 */
import { credentialsIn, endOfValue, isKnownToken, isSecretName, isSecretWord, PRIVATE_KEY } from './secrets.ts';

/** Characters that are kept where the caller does not say, and that are read beyond what is kept. */
const MOST = 4096;
const BEYOND = 512;

const HIDDEN = '***';
/** Nothing of one line has them; a terminal would obey. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f]+/g;

const TOKEN = /[^\s"'`<>]+/g;
const WORD = /[A-Za-z0-9_$-]+/g;
const SEPARATOR = /\\{0,3}["'`]?\]?\s{0,9}(?:=>|:=|={1,3}|:)\s{0,9}/y;
/** Between a word such as `password`, or an option, and its value. */
const SPACE = /\s{1,9}(?:(?:is|was)\s{1,9})?/y;
/** What is no secret after a word: the sentence goes on, or a bind stands for it. */
const NO_VALUE =
  /(?:(?:as|and|or|from|where|in|is|not|on|to|for|of|was|has|with|by|null|true|false|undefined|void|string)\b|\?|\*{3}|\$\d+\b|=|:|-)/iy;
/** What is no secret behind a separator either: words of JavaScript. */
const NO_SECRET = /(?:(?:new|await|async|function) |(?:null|true|false|undefined)(?![^\s,;)}\]]))/y;
/** Nor a class that is called as what is of it is, `token: AccessToken`: passwords are words that somebody chose. */
const CLASS = /(?:[A-Z][a-z]+)*(?:Session|Token|Cookie|Signature|Credential)s?(?![^\s,;)}\]])/y;
const SCHEME_OF_HEADER = /(?:bearer|basic|digest|negotiate|token)\s{1,9}/iy;
/** Words before a name and its password: `for bob:secret`, `-u bob:secret`. */
const BEFORE_USER = /(?:^|\s)(?:for|as|by|user|login|with|-u|--user)\s{1,9}$/i;
const USER = /^[\w.$-]{1,64}:(?!\/\/|\d{1,9}$)(?=.)/;

/** A path, a version, a word: nothing names a value in it, so that a token is all that it may hide. */
const SIMPLE = /^(?!-)[\w./-]*$/;

/** `most`: characters of what is returned. */
export function mask(text: string, most: number = MOST): string {
  // most of what a start writes: the other patterns are compiled when they are needed
  if (text.length <= most && SIMPLE.test(text) && !hasToken(text)) return text;
  const isLong = text.length > most + BEYOND;
  const hidden = hide((isLong ? text.slice(0, most + BEYOND) : text).replace(CONTROL, ''), isLong);
  return isLong || hidden.length > most ? `${hidden.slice(0, most - 1)}…` : hidden;
}

function hasToken(text: string): boolean {
  for (const { 0: word, index } of text.matchAll(WORD)) if (isKnownToken(text, index, word)) return true;
  return false;
}

/** A command line: what the name of an option calls secret is hidden whole. `most`: characters of each. */
export function maskArguments(argv: readonly string[], most: number = MOST): string[] {
  return argv.map((argument, index) => {
    const previous = (argv[index - 1] ?? '').slice(0, 80);
    if (SIMPLE.test(argument) && !previous.startsWith('-')) return mask(argument, most);
    const [, name = ''] = /^-{0,2}([\w.-]{1,80})=/.exec(argument) ?? [];
    if (name !== '' && isSecretName(name)) return `${argument.slice(0, argument.indexOf('=') + 1)}${HIDDEN}`;
    if (isShortPassword(argument)) return `-p${HIDDEN}`;
    const isValue = !argument.startsWith('-') && (isSecretOption(previous) || (previous === '-p' && !isPort(argument)));
    if (isValue) return HIDDEN;
    // as in a line of a shell
    return USER.test(argument) && BEFORE_USER.test(`${previous} `)
      ? `${argument.slice(0, argument.indexOf(':') + 1)}${HIDDEN}`
      : mask(argument, most);
  });
}

/** `-psecret` of the clients of MySQL. */
function isShortPassword(token: string): boolean {
  return /^-p[^=\s-]/.test(token);
}

function isPort(text: string): boolean {
  return /^[\d.:/]{1,64}$/.test(text);
}

function isSecretOption(text: string): boolean {
  return /^--?[\w.-]+$/.test(text) && isSecretName(text.replace(/^-+/, ''));
}

/** `isCut`: the text went on. */
function hide(text: string, isCut: boolean): string {
  let masked = '';
  /** What stands before is done. */
  let done = 0;
  const cover = (from: number, to: number): void => {
    masked += text.slice(done, from) + HIDDEN;
    done = to;
  };
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text); token; token = TOKEN.exec(text)) {
    const [word] = token;
    const end = token.index + word.length;
    const isLast = isCut && end === text.length;
    const credentials = credentialsIn(word, isLast);
    if (credentials) {
      const [from, to] = [token.index + credentials.from, token.index + credentials.to];
      // a password that has a name may be longer than what looks like credentials in it
      const reach = Math.max(to, ...secretsIn(text, from, to).map((secret) => secret.to));
      cover(from, reach);
      if (reach === to && to < end) masked += '@';
    } else if (isShortPassword(word)) cover(token.index + 2, end);
    else if (USER.test(word) && BEFORE_USER.test(text.slice(Math.max(done, token.index - 20), token.index))) {
      cover(token.index + word.indexOf(':') + 1, end);
    }
    for (const { from, to } of secretsIn(text, Math.max(done, token.index), end)) cover(from, to);
    TOKEN.lastIndex = Math.max(end, done);
  }
  return masked + text.slice(done);
}

/** Of the words between `from` and `to`: values that they name, and words that are secrets themselves. */
function secretsIn(text: string, from: number, to: number): Range[] {
  const secrets: Range[] = [];
  let done = from;
  for (const match of text.slice(from, to).matchAll(WORD)) {
    const at = from + match.index;
    const secret = at < done ? null : secretAt(text, at, match[0]);
    if (!secret) continue;
    secrets.push(secret);
    done = secret.to;
  }
  return secrets;
}

interface Range {
  from: number;
  to: number;
}

function secretAt(text: string, at: number, word: string): Range | null {
  const end = at + word.length;
  if (word.endsWith('-----BEGIN') || (word === 'BEGIN' && text.startsWith('-----', at - 5))) {
    const begin = matchAt(PRIVATE_KEY, text, end);
    if (begin !== null) return { from: end + begin.length, to: indexOrEnd(text, '-----END', end) };
  }
  if (isKnownToken(text, at, word)) return { from: at, to: endOfToken(text, end) };
  const isOption = word.startsWith('-');
  // names are short, and what names a secret stands at either end of it
  const name = word.length > 80 ? word.slice(-80) : word.replace(/^-+/, '');
  // most words are followed by neither, and that is quicker to tell than what they mean
  const separator = matchAt(SEPARATOR, text, end);
  if (separator !== null && isSecretName(name)) return valueFrom(text, end + separator.length, name, text[at - 1]);
  const space = matchAt(SPACE, text, end);
  if (space === null || !(isSecretWord(name) || (isOption && isSecretName(name)))) return null;
  return matchAt(NO_VALUE, text, end + space.length) !== null ? null : valueFrom(text, end + space.length, name);
}

/** `before`: what stands before the name, perhaps the quote that a whole header is in. */
function valueFrom(text: string, at: number, name: string, before = ''): Range | null {
  if (/^(?:\?|\*{3})(?=[\s,;)}\]]|$)/.test(text.slice(at, at + 4))) return null;
  if (matchAt(NO_SECRET, text, at) !== null || isClass(matchAt(CLASS, text, at), name)) return null;
  const isHeader = /^(?:proxy-)?authorization$|^(?:set-)?cookie$/i.test(name);
  const header = isHeader ? { quote: /["'`]/.test(before) ? before : '' } : null;
  const scheme = matchAt(SCHEME_OF_HEADER, text, at);
  const to = endOfValue(text, at + (scheme?.length ?? 0), header);
  return to > at ? { from: at, to } : null;
}

function isClass(found: string | null, name: string): boolean {
  const word = /[A-Z][a-z]+?(?=s?$)/.exec(found ?? '')?.[0].toLowerCase();
  return word !== undefined && name.toLowerCase().replace(/s$/, '').endsWith(word);
}

/** What belongs to a token of letters, digits and few signs, behind one of its words. */
function endOfToken(text: string, from: number): number {
  return from + (matchAt(/[\w.~+/=-]*/y, text, from) as string).length;
}

function indexOrEnd(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at < 0 ? text.length : at;
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}
