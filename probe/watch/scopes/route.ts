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

export function routeOf(url: string): string {
  const [path = ''] = url.slice(0, MAX_PATH).split(/[?#]/, 1);
  const parts = path.split('/', MAX_PARTS + 1);
  const route = parts.slice(0, MAX_PARTS).map((part, index) => {
    if (part === '') return part;
    return BEFORE_SECRET.test(parts[index - 1] ?? '') || !WORD.test(part) || UNSPEAKABLE.test(part) ? VALUE : part;
  });
  return parts.length > MAX_PARTS ? `${route.join('/')}/…` : route.join('/');
}
