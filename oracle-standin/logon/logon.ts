/** A logon, message by message: what the client wants, and what it gets. */

import { writeOutcome } from '../calls/reply.ts';
import { OracleError as Denied, type OracleError, oracleError } from '../errors.ts';
import type { Settings } from '../options.ts';
import { timeZoneMinutes } from '../settings.ts';
import { type ConnectData, type ConnectRequest, parseConnect, parseConnectData } from '../wire/connect.ts';
import { type Acceptance, acceptPacket, DATA_AT, type Packet, PacketType } from '../wire/packets.ts';
import { MalformedPacket, Reader } from '../wire/reader.ts';
import { Call, type Dialect, Message } from '../wire/ttc.ts';
import type { Writer } from '../wire/writer.ts';
import {
  type AuthRequest,
  readAuth,
  readDataTypes,
  readProtocol,
  writeChallenge,
  writeDataTypes,
  writeProtocol,
  writeSession,
} from './messages.ts';
import type { Challenge, Verifier } from './verifiers.ts';

export interface LogonStep {
  stage: 'protocol' | 'datatypes' | 'auth1' | 'auth2';
  write(writer: Writer): void;
}

interface Release extends Omit<Acceptance, 'sdu'> {
  fieldVersion: number;
}

const RELEASES: Record<Settings['release'], Release> = {
  19: { version: 318, fastAuth: false, endOfRequest: false, fieldVersion: 12 },
  23: { version: 319, fastAuth: true, endOfRequest: true, fieldVersion: 24 },
};

const OLDEST_VERSION = 315;
const FAST_AUTH_FIELDS = 13;
const LARGEST_SDU = 65_535;
const SMALLEST_SDU = 512;
const SYSTEM_MODES = 0x60;

export class Logon {
  readonly dialect: Dialect;
  /** What the client says of itself, by AUTH_… key. */
  values: ReadonlyMap<string, string> = new Map();
  data: ConnectData | null = null;
  user = '';
  /** Whether the end of an answer is marked, where the dialect has that: not before the first AUTH. */
  endsAnswers = false;
  sid = 0;
  serial = 0;
  readonly #settings: Settings;
  readonly #verifier: Verifier;
  readonly #release: Release;
  #request: ConnectRequest | null = null;
  #expected: LogonStep['stage'] = 'protocol';
  #challenge: Challenge | null = null;
  #second: AuthRequest | null = null;
  #proof: string | null = null;

  constructor(settings: Settings, verifier: Verifier) {
    this.#settings = settings;
    this.#verifier = verifier;
    this.#release = RELEASES[settings.release];
    this.dialect = { fieldVersion: this.#release.fieldVersion, endOfRequest: this.#release.endOfRequest };
  }

  /** Null while connect data are still to come. Throws `MalformedPacket`. */
  connect({ type, bytes }: Packet): ConnectData | null {
    if (this.data) throw new MalformedPacket(`a packet of type ${type} in the middle of a logon`);
    if (this.#request === null) {
      if (type !== PacketType.connect) throw new MalformedPacket(`a packet of type ${type} before CONNECT`);
      this.#request = parseConnect(bytes);
      if (this.#request.data === null) return null;
      this.data = parseConnectData(this.#request.data);
    } else {
      if (type !== PacketType.data) throw new MalformedPacket(`a packet of type ${type} in the place of connect data`);
      this.data = parseConnectData(bytes.toString('ascii', DATA_AT));
    }
    return this.data;
  }

  accept(): { packet: Buffer; sdu: number } {
    const request = this.#request!;
    if (request.version < OLDEST_VERSION) throw new MalformedPacket(`a client of version ${request.version}`);
    const sdu = Math.max(SMALLEST_SDU, Math.min(LARGEST_SDU, request.sdu));
    const version = Math.min(this.#release.version, request.version);
    return { packet: acceptPacket({ ...this.#release, version, sdu }), sdu };
  }

  /** Minutes east of UTC, as the client has asked. */
  get timeZone(): number {
    const alter = /TIME_ZONE\s*=\s*'([^']*)'/i.exec(this.values.get('AUTH_ALTER_SESSION') ?? '');
    return timeZoneMinutes(alter?.[1] ?? '') ?? 0;
  }

  /** The steps that one request asks for. Throws `MalformedPacket`. */
  read(payload: Buffer): LogonStep[] {
    const reader = new Reader(payload);
    const message = reader.u8();
    if (message === Message.fastAuth && this.#expected === 'protocol') return this.#readFast(reader);
    return [this.#step(message, reader)];
  }

  #readFast(reader: Reader): LogonStep[] {
    reader.skip(3);
    const protocol = this.#step(reader.u8(), reader);
    reader.skip(5);
    if (reader.u8() !== FAST_AUTH_FIELDS) throw new MalformedPacket('a fast logon of an unknown version');
    const types = this.#step(reader.u8(), reader);
    const auth = this.#step(reader.u8(), reader, FAST_AUTH_FIELDS);
    return [protocol, types, auth];
  }

  #step(message: number, reader: Reader, fieldVersion: number = this.dialect.fieldVersion): LogonStep {
    const stage = this.#expected;
    const dialect = this.dialect;
    if (stage === 'protocol' && message === Message.protocol) {
      readProtocol(reader);
      this.#expected = 'datatypes';
      return { stage, write: (writer) => writeProtocol(writer, dialect.fieldVersion) };
    }
    if (stage === 'datatypes' && message === Message.dataTypes) {
      const knowsZones = readDataTypes(reader);
      this.#expected = 'auth1';
      return { stage, write: (writer) => writeDataTypes(writer, knowsZones) };
    }
    if (message !== Message.function) throw new MalformedPacket(`a message of type ${message} at the stage ${stage}`);
    const code = reader.u8();
    reader.u8();
    if (fieldVersion >= 18) reader.ub8();
    this.endsAnswers = true;
    if (stage === 'auth1' && code === Call.authPhaseOne) return this.#first(readAuth(reader));
    if (stage === 'auth2' && code === Call.authPhaseTwo) return this.#last(readAuth(reader));
    throw new MalformedPacket(`function ${code} at the stage ${stage}`);
  }

  #first(request: AuthRequest): LogonStep {
    this.user = request.user;
    this.values = request.values;
    this.#expected = 'auth2';
    // who is not known is challenged like the others, and fails like them
    const known = this.#isKnown(request.user);
    this.#challenge = (known ? this.#verifier : this.#verifier.decoy()).challenge();
    return {
      stage: 'auth1',
      write: (writer) => {
        writeChallenge(writer, this.#challenge!);
        writeOutcome(writer, this.dialect, { inTransaction: false });
      },
    };
  }

  #isKnown(user: string): boolean {
    const plain = (name: string) => (/^".*"$/.test(name) ? name.slice(1, -1) : name.toUpperCase());
    return plain(user) === plain(this.#settings.user);
  }

  #last(request: AuthRequest): LogonStep {
    this.#second = request;
    this.values = new Map([...this.values, ...request.values]);
    this.#proof = this.#challenge!.answer(
      request.values.get('AUTH_SESSKEY') ?? '',
      request.values.get('AUTH_PASSWORD') ?? '',
    );
    return {
      stage: 'auth2',
      write: (writer) => {
        const { service, openCursors } = this.#settings;
        const session = { service, openCursors, sid: this.sid, serial: this.serial, proof: this.#proof! };
        writeSession(writer, { ...session, fieldVersion: this.dialect.fieldVersion });
        writeOutcome(writer, this.dialect, { inTransaction: false });
      },
    };
  }

  /** Why the client of phase two is not let in, or null. */
  denial(): OracleError | null {
    if (this.#proof === null || !this.#isKnown(this.user)) return oracleError(1017);
    if (this.#second!.mode & SYSTEM_MODES || this.#second!.values.has('AUTH_NEWPASSWORD')) {
      return new Denied(1031, 'insufficient privileges: the stand-in has neither SYSDBA nor new passwords');
    }
    const client = this.values.get('PROXY_CLIENT_NAME');
    if (client) {
      return new Denied(28150, `proxy not authorized to connect as client: the stand-in knows no ${client}`);
    }
    return null;
  }
}
