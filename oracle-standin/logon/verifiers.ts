/** What a server knows and computes to check a password without ever receiving it in the clear (11G and 12C). */
import { createCipheriv, createDecipheriv, createHash, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

export type VerifierKind = '11G' | '12C';

const NO_VECTOR = Buffer.alloc(16);
const SPEEDY = Buffer.from('AUTH_PBKDF2_SPEEDY_KEY');
/** Of the second derivation, as Oracle has it. */
const SESSION_ROUNDS = 3;

const hex = (bytes: Buffer) => bytes.toString('hex').toUpperCase();

function encrypt(key: Buffer, bytes: Buffer): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, NO_VECTOR).setAutoPadding(false);
  return Buffer.concat([cipher.update(bytes), cipher.final()]);
}

function decrypt(key: Buffer, bytes: Buffer): Buffer {
  const cipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, NO_VECTOR).setAutoPadding(false);
  return Buffer.concat([cipher.update(bytes), cipher.final()]);
}

/** A user's password as a database keeps it: made once, used by every logon. */
export class Verifier {
  readonly kind: VerifierKind;
  readonly rounds: number;
  readonly #password: Buffer;
  readonly #salt: Buffer;
  readonly #hash: Buffer;
  #decoy: Verifier | null = null;

  /** `rounds` of the derivation cost the client its time: Oracle has 4096. */
  constructor(password: string, kind: VerifierKind, rounds: number) {
    this.kind = kind;
    this.rounds = rounds;
    this.#password = Buffer.from(password);
    if (kind === '11G') {
      this.#salt = randomBytes(10);
      const sha1 = createHash('sha1').update(this.#password).update(this.#salt).digest();
      this.#hash = Buffer.concat([sha1, Buffer.alloc(4)]);
    } else {
      this.#salt = randomBytes(16);
      const key = pbkdf2Sync(this.#password, Buffer.concat([this.#salt, SPEEDY]), rounds, 64, 'sha512');
      this.#hash = createHash('sha512').update(key).update(this.#salt).digest().subarray(0, 32);
    }
  }

  /** Of the same kind, and of a password that nobody has. */
  decoy(): Verifier {
    this.#decoy ??= new Verifier(randomBytes(16).toString('hex'), this.kind, this.rounds);
    return this.#decoy;
  }

  challenge(): Challenge {
    return new Challenge(this, this.#password, this.#salt, this.#hash);
  }
}

/** One logon's share: what is sent to the client, and whether its answer proves the password. */
export class Challenge {
  /** Key, value and flag of each pair of the first answer. */
  readonly pairs: [string, string, number][];
  readonly #kind: VerifierKind;
  readonly #password: Buffer;
  readonly #hash: Buffer;
  readonly #part: Buffer;
  readonly #sessionSalt = randomBytes(16);

  constructor(verifier: Verifier, password: Buffer, salt: Buffer, hash: Buffer) {
    this.#kind = verifier.kind;
    this.#password = password;
    this.#hash = hash;
    this.#part = randomBytes(verifier.kind === '11G' ? 48 : 32);
    this.pairs = [
      ['AUTH_SESSKEY', hex(encrypt(hash, this.#part)), 0],
      ['AUTH_VFR_DATA', hex(salt), verifier.kind === '11G' ? 0x1b25 : 0x4815],
    ];
    if (verifier.kind === '12C') {
      this.pairs.push(
        ['AUTH_PBKDF2_CSK_SALT', hex(this.#sessionSalt), 0],
        ['AUTH_PBKDF2_VGEN_COUNT', String(verifier.rounds), 0],
        ['AUTH_PBKDF2_SDER_COUNT', String(SESSION_ROUNDS), 0],
      );
    }
  }

  /** AUTH_SVR_RESPONSE, by which the client knows the server; null when the password is wrong. */
  answer(sessionKey: string, encryptedPassword: string): string | null {
    const theirs = Buffer.from(sessionKey, 'hex');
    const secret = Buffer.from(encryptedPassword, 'hex');
    if (theirs.length !== this.#part.length || secret.length < 32 || secret.length % 16 !== 0) return null;
    const key = this.#combined(decrypt(this.#hash, theirs));
    const clear = decrypt(key, secret);
    const padding = clear[clear.length - 1] as number;
    if (padding < 1 || padding > 16) return null;
    const password = clear.subarray(16, clear.length - padding);
    if (password.length !== this.#password.length || !timingSafeEqual(password, this.#password)) return null;
    const proof = Buffer.concat([randomBytes(16), Buffer.from('SERVER_TO_CLIENT'), Buffer.alloc(16, 16)]);
    return hex(encrypt(key, proof));
  }

  #combined(theirs: Buffer): Buffer {
    if (this.#kind === '12C') {
      return pbkdf2Sync(hex(Buffer.concat([theirs, this.#part])), this.#sessionSalt, SESSION_ROUNDS, 32, 'sha512');
    }
    const mixed = Buffer.alloc(24);
    for (let i = 0; i < 24; i++) mixed[i] = (this.#part[16 + i] as number) ^ (theirs[16 + i] as number);
    const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();
    return Buffer.concat([md5(mixed.subarray(0, 16)), md5(mixed.subarray(16, 24))]).subarray(0, 24);
  }
}
