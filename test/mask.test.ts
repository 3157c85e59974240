/** What is hidden of a service's texts before they are written, and what is not. */
import { expect, test } from 'vitest';
import { mask, maskArguments } from '../probe/recording/mask.ts';

test.each([
  // URLs and connect strings: the password may hold what separates the parts
  ['connect postgres://app:hunter2@db:5432/x', 'connect postgres://***@db:5432/x'],
  ['postgres://app:hun@t/er:2@db:5432/x?sslmode=on', 'postgres://***@db:5432/x?sslmode=on'],
  ['redis://:hunter2@cache:6379', 'redis://***@cache:6379'],
  ['https://hunter2@example.com/repo', 'https://***@example.com/repo'],
  ['from mongodb://a:hunter2@h1,b:hunter2@h2/x', 'from mongodb://***@h2/x'],
  ['scott/hunter2@db.example.com:1521/pdb', '***@db.example.com:1521/pdb'],
  ['jdbc:oracle:thin:scott/hun@t/er2@//db:1521/x', '***@//db:1521/x'],
  ['app:hunter2@tcp(db:3306)/x', '***@tcp(db:3306)/x'],
  ['nightly for bob:hunter2', 'nightly for bob:***'],
  ['curl -u bob:hunter2 http://localhost', 'curl -u bob:*** http://localhost'],
  // values that have a name
  ['password=hunter2', 'password=***'],
  ['user=a,password=hun,ter2,host=h', 'user=a,password=***,host=h'],
  ['Server=h;PWD={hun;ter2};UID=a', 'Server=h;PWD=***;UID=a'],
  ['PGPASSWORD=hunter2 psql', 'PGPASSWORD=*** psql'],
  ['const dbPassword = "hunt er2"; next()', 'const dbPassword = ***; next()'],
  ['/x?access_token=hunter2&page=2', '/x?access_token=***&page=2'],
  ['{"password":"hun\\"ter2","user":"app"}', '{"password":***,"user":"app"}'],
  ['{\\"secret\\":\\"hunter2\\",\\"a\\":1}', '{\\"secret\\":***,\\"a\\":1}'],
  ['{"credentials":{"a":"hunter2"},"b":1}', '{"credentials":***,"b":1}'],
  ['session: Session1, token: tokenToken', 'session: ***, token: ***'],
  ['PGPASSWORD=AppToken password: SummerCookies secret: Session', 'PGPASSWORD=*** password: *** secret: ***'],
  ['svc key=hunter2', 'svc key=***'],
  ['the password is hunter2', 'the password is ***'],
  // headers
  ['Authorization: Bearer hunter2', 'Authorization: ***'],
  ['authorization: Digest username="a", response="hunter2"', 'authorization: ***'],
  ['curl -H \'Authorization: Digest response="hunter2"\' -v', "curl -H 'Authorization: ***' -v"],
  ['Cookie: a=hunter2; b=hunter2\nHost: h', 'Cookie: ***\nHost: h'],
  ['with bearer hunter2', 'with bearer ***'],
  // command lines
  ['mysql -uroot -phunter2 shop', 'mysql -uroot -p*** shop'],
  ['tool --api-key hunter2 --verbose', 'tool --api-key *** --verbose'],
  // what is known by its look
  ['id AKIAIOSFODNN7EXAMPLE', 'id ***'],
  ['ghp_16C7e42F292c6912E7710c838347Ae178B4a', '***'],
  ['sk_live_4eC39HqLyjWDarjtT1zdp7dc', '***'],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', '***'],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----', /^-----BEGIN RSA PRIVATE KEY-----\*\*\*/],
  // a terminal would obey
  ['a\u001b[31m b\u0007', 'a[31m b'],
])('%s', (text, expected) => {
  if (expected instanceof RegExp) expect(mask(text)).toMatch(expected);
  else expect(mask(text)).toBe(expected);
});

test.each([
  'GET /orders/:id',
  'http://127.0.0.1:3000/users/a@b',
  'https://registry.example/@scope/pkg',
  '/srv/app/node_modules/.pnpm/pg@8.11.0/node_modules/pg/lib/client.js',
  'mail to a@example.com',
  'nightly for tenant:42',
  'Last done with it, 2 ms after: select token from sessions where token = ?',
  '12 of 200 (connection, pg) not given back, taken at /srv/app/orders.js:12',
  'TypeError: x is not a function',
  'const sessions = new Sessions();',
  'if (session === null) session = await open(id);',
  'kept: Map → session: Session → token: AccessToken',
])('%s stays as it is', (text) => {
  expect(mask(text)).toBe(text);
});

test('of a long text the beginning is kept, also where a secret is cut in two', () => {
  expect(mask('x'.repeat(200), 100)).toBe(`${'x'.repeat(99)}…`);
  expect(mask(`${'x '.repeat(45)}postgres://app:${'hunter2'.repeat(1000)}@h/d`, 100)).not.toContain('hunter2');
  expect(mask(`password=${'hunter2'.repeat(1000)}`)).toBe('password=***…');
});

test('of a command line also what an option before it names, and values with any sign in them', () => {
  const line = [
    'node',
    'a.js',
    '--db-password',
    'hunter2',
    '--token=hun,ter;2',
    '--port',
    '80',
    '-phunter2',
    '--pw',
    'x',
  ];
  const masked = ['node', 'a.js', '--db-password', '***', '--token=***', '--port', '80', '-p***', '--pw', '***'];
  expect(maskArguments(line)).toEqual(masked);
  expect(maskArguments(['-p', '8080', '-p', 'hunter2', '-u', 'bob:hunter2', 'DB_PASS=hunter 2'])).toEqual([
    '-p',
    '8080',
    '-p',
    '***',
    '-u',
    'bob:***',
    'DB_PASS=***',
  ]);
});
