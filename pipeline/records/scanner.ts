/**
 * Finds where the values of a JSON text begin and end, byte by byte, without keeping any: what a parser that builds
 * the whole value cannot do for a document that does not fit into memory. It checks structure only (brackets, commas,
 * colons, strings on one line); what is inside numbers and words is left to `JSON.parse`.
 */

/** More than any record has; parsing an endless nest takes 40 times its size, and serializing it overflows the stack. */
export const DEEPEST = 1_000;

const OBJECT = 1;
const LIST = 2;
/** What may come next. */
const Expect = { value: 0, key: 1, colon: 2, after: 3, string: 4, word: 5, ended: 6 } as const;
type Expected = (typeof Expect)[keyof typeof Expect];

export class Scanner {
  /** Of containers that are open. */
  depth = 0;
  /** Why the text is no JSON; null while it may be some. */
  problem: string | null = null;
  /** The key of the list whose elements are told apart, empty where the value itself is one; null before it begins. */
  list: string | null = null;
  /** Of the list that is open: 1 or 2; else 0. */
  listDepth = 0;
  readonly #kinds = new Uint8Array(DEEPEST + 1);
  readonly #listKeys: ReadonlySet<string>;
  #expect: Expected = Expect.value;
  #escaped = false;
  #isKey = false;
  /** An empty list or object may end here. */
  #fresh = false;
  #key = '';

  constructor(listKeys: ReadonlySet<string>) {
    this.#listKeys = listKeys;
  }

  /** The value has ended, with the byte that was given last. */
  get ended(): boolean {
    return this.#expect === Expect.ended;
  }

  /** An element of the list may begin with the next byte that is no blank. */
  get awaitsElement(): boolean {
    return this.listDepth > 0 && this.depth === this.listDepth && this.#expect === Expect.value;
  }

  /** No element of the list is open: it has ended, or the list has. */
  get betweenElements(): boolean {
    if (this.listDepth === 0) return true;
    return this.depth === this.listDepth && (this.#expect === Expect.after || this.#expect === Expect.value);
  }

  feed(byte: number): void {
    if (this.#expect === Expect.string) this.#inString(byte);
    else if (this.#expect === Expect.word && isWord(byte)) return;
    else {
      if (this.#expect === Expect.word) this.#expect = Expect.after;
      if (!isBlank(byte)) this.#significant(byte);
    }
  }

  #inString(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === 0x5c) this.#escaped = true;
    else if (byte === 0x22) this.#expect = this.#isKey ? Expect.colon : Expect.after;
    else if (byte < 0x20) this.#fail('a line break or control character within a text');
    else if (this.#isKey && this.depth === 1 && this.#key.length < 32) this.#key += String.fromCharCode(byte);
  }

  #significant(byte: number): void {
    const fresh = this.#fresh;
    this.#fresh = false;
    if (byte === 0x7d || byte === 0x5d) this.#close(byte, fresh);
    else if (this.#expect === Expect.value) this.#begin(byte);
    else if (this.#expect === Expect.key) {
      if (byte === 0x22) this.#string(true);
      else this.#fail('a field without a name');
    } else if (this.#expect === Expect.colon) {
      if (byte === 0x3a) this.#expect = Expect.value;
      else this.#fail('a field without a colon');
    } else if (byte === 0x2c) this.#expect = this.#kinds[this.depth] === OBJECT ? Expect.key : Expect.value;
    else this.#fail('two values without a comma between them');
  }

  #begin(byte: number): void {
    if (byte === 0x22) this.#string(false);
    else if (byte === 0x7b || byte === 0x5b) this.#open(byte === 0x5b);
    else if (isWord(byte)) this.#expect = Expect.word;
    else this.#fail('a character that begins no value');
  }

  #open(isList: boolean): void {
    if (this.depth === DEEPEST) {
      this.#fail(`nested deeper than ${DEEPEST} levels`);
      return;
    }
    this.#kinds[++this.depth] = isList ? LIST : OBJECT;
    this.#expect = isList ? Expect.value : Expect.key;
    this.#fresh = true;
    if (!isList || this.depth > 2 || this.listDepth > 0) return;
    if (this.depth === 1) [this.list, this.listDepth] = ['', 1];
    else if (this.#kinds[1] === OBJECT && this.#listKeys.has(this.#key)) [this.list, this.listDepth] = [this.#key, 2];
  }

  #close(byte: number, fresh: boolean): void {
    const kind = byte === 0x7d ? OBJECT : LIST;
    const may = this.#expect === Expect.after || (fresh && this.#expect !== Expect.colon);
    if (!may || this.#kinds[this.depth] !== kind) {
      this.#fail('a bracket that closes nothing');
      return;
    }
    if (this.depth === this.listDepth) this.listDepth = 0;
    this.depth--;
    this.#expect = this.depth === 0 ? Expect.ended : Expect.after;
  }

  #string(isKey: boolean): void {
    this.#expect = Expect.string;
    this.#isKey = isKey;
    if (isKey && this.depth === 1) this.#key = '';
  }

  #fail(problem: string): void {
    this.problem = problem;
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Of a number, `true`, `false` or `null`. */
function isWord(byte: number): boolean {
  const isDigit = byte >= 0x30 && byte <= 0x39;
  const isLower = byte >= 0x61 && byte <= 0x7a;
  return isDigit || isLower || byte === 0x2d || byte === 0x2b || byte === 0x2e || byte === 0x45;
}
