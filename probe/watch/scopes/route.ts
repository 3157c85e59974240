/**
 * The route of a URL: its path without values. Those would make every request a name of its own, and may be secret: a
 * token, a mail address, somebody's name.
 *
 * A part is a word of the route when it looks like one. Errs on both sides: a value that is a plain word in small letters
 * is taken for one, and a word in an unusual spelling for a value. What follows `reset` and the like is always a value.
 */

/** Characters of a path, and parts. */
const MAX_PATH = 200;
const MAX_PARTS = 12;
const VALUE = ':id';

/** `orders`, `order-items`, `orderItems`, `Orders`, `API`, `v2`, `.well-known`, `index.html`. */
const WORD =
  /^(?:[a-z]{1,20}(?:[-_][a-z]{1,20}){0,4}|[a-z]{1,15}(?:[A-Z][a-z]{1,14}){1,4}|[A-Z][a-z]{1,19}|[A-Z]{1,5}|v\d{1,2}|\.[a-z-]{1,20}|[a-z_-]{1,24}\.(?:html?|json|xml|txt|js|mjs|css|map|ico|png|jpe?g|gif|svg|webp|php|aspx?|jsp|cgi|pdf|csv|do))$/;
/** So many consonants stand side by side in hardly a word. */
const UNSPEAKABLE = /[bcdfghjklmnpqrstvwxz]{6}/i;
/** What follows is a secret more often than not. */
const BEFORE_SECRET =
  /^(?:reset|reset-password|verify|confirm|activate|activation|invite|invites|invitation|invitations|unsubscribe|magic|magic-link|token|tokens|secret|key|keys|otp|code|share|session|sessions)$/i;

/** Of all methods together; most requests go the way of an earlier one. */
const MAX_NODES = 2000;

const [SLASH, QUERY, FRAGMENT, ZERO, NINE] = ['/', '?', '#', '0', '9'].map((sign) => sign.charCodeAt(0)) as [
  ...[number, number, number, number, number],
];

/** One part of a route, after those before it. */
class Node {
  /** `GET /orders/:id` */
  readonly name: string;
  readonly isBeforeSecret: boolean;
  readonly words: Map<string, Node> = new Map();
  value: Node | null = null;

  constructor(name: string, part: string) {
    this.name = name;
    this.isBeforeSecret = BEFORE_SECRET.test(part);
  }
}

/** Names of requests. It is asked for each one, so it takes no more than a look at each part. */
export class Routes {
  readonly #byMethod: Map<string, Node> = new Map();
  #size = 0;

  of(method: string, url: string): string {
    let node = this.#byMethod.get(method);
    if (node === undefined) {
      node = this.#made(`${method} `, '');
      this.#byMethod.set(method, node);
    }
    const end = Math.min(url.length, MAX_PATH);
    let from = 0;
    let hasDigit = false;
    for (let at = 0, parts = 0; ; at++) {
      const sign = at < end ? url.charCodeAt(at) : QUERY;
      if (sign !== SLASH && sign !== QUERY && sign !== FRAGMENT) {
        hasDigit ||= sign >= ZERO && sign <= NINE;
        continue;
      }
      if (++parts > MAX_PARTS) return `${node.name}/…`;
      node = this.#next(node, url.slice(from, at), hasDigit, parts === 1 ? '' : '/');
      if (sign !== SLASH) return node.name;
      from = at + 1;
      hasDigit = false;
    }
  }

  #next(node: Node, part: string, hasDigit: boolean, separator: string): Node {
    // a word with a digit is a version, and no longer
    if (part !== '' && (node.isBeforeSecret || (hasDigit && part.length > 3))) return this.#value(node, separator);
    const known = node.words.get(part);
    if (known !== undefined) return known;
    if (part !== '' && (!WORD.test(part) || UNSPEAKABLE.test(part))) return this.#value(node, separator);
    const word = this.#made(node.name + separator + part, part);
    node.words.set(part, word);
    return word;
  }

  #value(node: Node, separator: string): Node {
    node.value ??= this.#made(node.name + separator + VALUE, VALUE);
    return node.value;
  }

  #made(name: string, part: string): Node {
    if (++this.#size > MAX_NODES) {
      this.#byMethod.clear();
      this.#size = 0;
    }
    return new Node(name, part);
  }
}
