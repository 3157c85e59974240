/** Refusals, drops and hangs at any stage, as often as told. */
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../user-error.ts';
import type { Transport } from './transport.ts';

/** Where a fault strikes: the stages of a logon in their order, then kinds of calls; `call` is any of them. */
export const STAGES = [
  'accept', // TCP connection accepted, nothing read yet
  'connect', // CONNECT packet read, nothing answered yet
  'protocol', // after ACCEPT: negotiation
  'datatypes',
  'auth1',
  'auth2',
  'call',
  'execute',
  'fetch',
  'commit',
  'rollback',
  'ping',
  'logoff',
] as const;
export type Stage = (typeof STAGES)[number];

export type Action =
  /** The listener's answer to a CONNECT: ORA-12514, 12516, 12520, …; at `connect` only. */
  | { do: 'refuse'; code: number }
  /** An ORA error as the answer to a call; from `auth1` on. */
  | { do: 'error'; code: number }
  /** End of file. */
  | { do: 'end' }
  /** TCP reset. */
  | { do: 'reset' }
  /** Silence for ever: neither an answer nor one to a break. */
  | { do: 'hang' }
  | { do: 'delay'; ms: number }
  /** Bytes that are no packet. */
  | { do: 'garbage' };

export type Fault = Action & {
  at: Stage;
  /** How often it strikes; default: until it is removed. */
  times?: number;
  /** How many pass unharmed before. */
  after?: number;
  /** Only statements that match; for `execute`. */
  sql?: RegExp;
};

const EXAMPLES = 'connect:refuse:12516, auth2:hang, execute:error:1653, call:delay:200, fetch:reset';

/** Reads `STAGE:ACTION[:CODE or MS][*TIMES]`. Throws `UserError` with a sentence. */
export function parseFault(text: string): Fault {
  const [, at, action, number, times] = /^([a-z0-9]+):([a-z]+)(?::(\d+))?(?:\*(\d+))?$/.exec(text) ?? [];
  const stage = STAGES.find((one) => one === at);
  if (!stage) throw new UserError(`A fault is one such as ${EXAMPLES}, at ${STAGES.join(', ')}; not "${text}".`);
  const often = times === undefined ? {} : { times: Number(times) };
  switch (action) {
    case 'end':
    case 'reset':
    case 'hang':
    case 'garbage':
      if (number !== undefined) throw new UserError(`The fault ${action} takes no number, as "${text}" has one.`);
      return checked({ at: stage, do: action, ...often });
    case 'refuse':
    case 'error':
      if (number === undefined)
        throw new UserError(`The fault ${action} needs an ORA number, as in ${at}:${action}:12516.`);
      return checked({ at: stage, do: action, code: Number(number), ...often });
    case 'delay':
      if (number === undefined) throw new UserError(`The fault delay needs milliseconds, as in ${at}:delay:200.`);
      return checked({ at: stage, do: 'delay', ms: Number(number), ...often });
    default:
      throw new UserError(`A fault does refuse, error, end, reset, hang, delay or garbage; not "${action}".`);
  }
}

/** Throws `UserError` for what could never happen. */
function checked(fault: Fault): Fault {
  if (fault.do === 'refuse' && fault.at !== 'connect') {
    throw new UserError(`Only a listener refuses: at connect, not at ${fault.at}.`);
  }
  if (fault.do === 'error' && STAGES.indexOf(fault.at) < STAGES.indexOf('auth1')) {
    throw new UserError(`ORA errors can be answered from auth1 on, not at ${fault.at}; a listener refuses.`);
  }
  return fault;
}

const CALLS: readonly Stage[] = ['execute', 'fetch', 'commit', 'rollback', 'ping', 'logoff'];

export class Faults {
  readonly #faults = new Set<{ fault: Fault; passed: number; struck: number }>();

  /** Throws `UserError` for what could never happen. The function that is returned takes it away again. */
  add(fault: Fault): () => void {
    const entry = { fault: checked(fault), passed: 0, struck: 0 };
    this.#faults.add(entry);
    return () => this.#faults.delete(entry);
  }

  clear(): void {
    this.#faults.clear();
  }

  /** The fault that strikes here and now, or null. */
  strike(stage: Stage, sql = ''): Fault | null {
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (fault.at !== stage && !(fault.at === 'call' && CALLS.includes(stage))) continue;
      if (fault.sql && !fault.sql.test(sql)) continue;
      if (entry.passed < (fault.after ?? 0)) {
        entry.passed++;
        continue;
      }
      entry.struck++;
      if (entry.struck >= (fault.times ?? Number.POSITIVE_INFINITY)) this.#faults.delete(entry);
      return fault;
    }
    return null;
  }
}

/** Those that need no words: they happen to the socket. */
export async function suffer(fault: Action, transport: Transport): Promise<void> {
  switch (fault.do) {
    case 'end':
      return transport.end();
    case 'reset':
      return transport.reset();
    case 'hang':
      return transport.hang();
    case 'garbage':
      return transport.send(Buffer.from('these bytes are no packet of Oracle Net'));
    case 'delay':
      await delay(fault.ms);
  }
}
