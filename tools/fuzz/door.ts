/** What may be said at a soak's side door: orders and answers, whole, cut up, and with others' values in them. */
import type { Random } from './random.ts';

const LINES = [
  '{"id":1,"do":"round-ended","round":2}',
  '{"id":2,"do":"snapshot","name":"last","maxMb":150}',
  '{"id":3,"do":"begin-turn","fault":{"kind":"query","file":"/a.js","line":1,"column":2,"ordinal":0}}',
  '{"id":4,"do":"blame","recipe":"x","left":[{"kind":"connection","library":"pg","frame":null}]}',
  '{"id":5,"open":3,"findings":0,"turn":{"hit":true,"calls":[],"left":[]}}',
  'GET / HTTP/1.1',
];
const VALUES = ['null', '-1', '1e999', '"x"', '[]', '{}', '{"__proto__":1}', 'true', '"constructor"', '\u0000'];

/** As it comes, piece by piece. */
export function doorText(random: Random): string[] {
  const text = random
    .many(1, 6, () => {
      const line = random.pick(LINES);
      return random.pick([
        line,
        line.replace(/:[^,}\]]+/, () => `:${random.pick(VALUES)}`),
        line.slice(1),
        line.slice(0, -1),
      ]);
    })
    .join(random.pick(['\n', '\n\n', '\r\n', '']));
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = random.pick([1, 7, 40, text.length]);
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}
