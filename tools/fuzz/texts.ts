/** Texts and command lines of a service with a secret in them, between others. */
import type { Random } from './random.ts';
import { SECRET } from './statements.ts';

const LETTERS = 'abcXYZ019_-+!*.~$'.split('');
/** What separates the parts of a URL or of a connect string. */
const SEPARATORS = '@/:'.split('');
const NOISE = [
  'job',
  'nightly',
  'café',
  '—',
  '(x)',
  'a=b',
  '[1]',
  '{',
  '"',
  "'",
  'GET /x',
  '\n',
  'at 10:30',
  '…',
  '😀',
  ',',
];

function password(random: Random, characters: readonly string[]): string {
  const around = () => random.many(0, 8, () => random.pick(characters)).join('');
  return `x${around()}${SECRET}${around()}`;
}

type Context = (random: Random) => string;

const plain = (random: Random) => password(random, LETTERS);
const hard = (random: Random) => password(random, [...LETTERS, ...SEPARATORS]);
const any = (random: Random) =>
  password(random, [...LETTERS, ...SEPARATORS, ' ', ',', ';', '"', "'", '\\', '}', '&', 'é']);
const name = (random: Random) =>
  random.pick([
    'password',
    'PGPASSWORD',
    'dbPassword',
    'client_secret',
    'access_token',
    'api-key',
    'apiKey',
    'pwd',
    'auth',
    'x-api-key',
  ]);

const CONTEXTS: readonly Context[] = [
  (random) =>
    `${random.pick(['postgres', 'mysql', 'amqp', 'mongodb+srv', 'redis'])}://app:${hard(random)}@db:5432/x?a=b`,
  (random) => `https://app:${plain(random)}@example.com/x/@y`,
  (random) => `scott/${hard(random)}@db.example.com:1521/pdb`,
  (random) => `jdbc:oracle:thin:scott/${hard(random)}@//db:1521/pdb`,
  (random) => `app:${hard(random)}@tcp(db:3306)/x`,
  (random) => `${name(random)}=${hard(random)}`,
  (random) => `${name(random)}=${hard(random)};host=h`,
  (random) => `/x?page=1&${name(random)}=${plain(random)}&more=2`,
  (random) => JSON.stringify({ a: 1, [name(random)]: any(random), b: 2 }),
  (random) => JSON.stringify(JSON.stringify({ [name(random)]: plain(random), b: 2 })),
  (random) => `const ${random.pick(['password', 'apiKey'])} = ${JSON.stringify(any(random))};`,
  (random) => `Authorization: ${random.pick(['Bearer ', 'Basic ', ''])}${plain(random)}\n`,
  (random) => `Cookie: a=${plain(random)}; b=${plain(random)}\n`,
  (random) => `mysql -uroot -p${hard(random)} shop`,
  (random) => `tool --${random.pick(['password', 'pw', 'api-key', 'token'])} ${plain(random)} --verbose`,
  (random) => `nightly for bob:${plain(random)}`,
  (random) => `-----BEGIN PRIVATE KEY-----\n${plain(random)}\n-----END PRIVATE KEY-----`,
  () => `ghp_${'a1B2'.repeat(5)}${SECRET}`,
];

export function text(random: Random): string {
  const noise = () => random.many(0, random.chance(0.1) ? 200 : 8, () => random.pick(NOISE)).join(' ');
  return `${noise()} ${random.pick(CONTEXTS)(random)} ${noise()}`;
}

/** Whether it is cut within the secret or before, it must not show. */
export function cutText(random: Random): { text: string; most: number } {
  const whole = text(random);
  return { text: whole, most: random.chance(0.5) ? 4096 : 1 + random.below(whole.length) };
}

export function commandLine(random: Random): string[] {
  const option = random.pick(['--password', '--db-pass', '--pw', '--token', '--client-secret', '-p']);
  const secret = random.pick([
    () => [option, plain(random)],
    () => [`${option === '-p' ? '--pwd' : option}=${any(random)}`],
    () => [`-p${hard(random)}`],
    () => [`DB_PASSWORD=${any(random)}`],
    () => ['-u', `bob:${plain(random)}`],
    () => [random.pick(CONTEXTS)(random)],
  ])();
  return ['node', 'app.js', ...secret, '--port', '80'];
}
