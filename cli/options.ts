/**
 * The options of a command as one table, a row each. What `parseArgs` takes, the help and the typed values follow from
 * it. The row `failOn` is the option `--fail-on`.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UserError } from '../user-error.ts';
import { type Check, oneOf } from './checks.ts';

export interface Option {
  /** One letter. */
  short?: string;
  /** Stands for the value in the help; an option without one is a flag. */
  value?: string;
  /** May be repeated: all its values, in their order. */
  multiple?: boolean;
  /** As it would be typed. */
  default?: string;
  /** The only values; or what reads a value. Without either it may be any text. */
  allowed?: readonly (string | number)[];
  check?: Check<unknown>;
  /** Without default and allowed values, which are appended. */
  help: string;
}

export type Options = Readonly<Record<string, Option>>;

type One<O> = O extends { allowed: readonly (infer T)[] } ? T : O extends { check: Check<infer T> } ? T : string;
type ValueOf<O> = O extends { value: string } ? (O extends { multiple: true } ? One<O>[] : One<O>) : boolean;
/** Flags are false, and what may be repeated is empty, where they are not given. */
type MayBeMissing<O> = O extends { value: string }
  ? O extends { multiple: true } | { default: string }
    ? false
    : true
  : false;

export type Values<O extends Options> = {
  [K in keyof O as MayBeMissing<O[K]> extends true ? never : K]: ValueOf<O[K]>;
} & { [K in keyof O as MayBeMissing<O[K]> extends true ? K : never]?: ValueOf<O[K]> };

export interface Given<O extends Options> {
  values: Values<O>;
  positionals: string[];
}

/** Null when help is asked for. Throws `UserError` with what is wrong and what is allowed. */
export function parse<O extends Options>(command: string, args: readonly string[], options: O): Given<O> | null {
  const { values: texts, positionals } = strictly(command, args, options);
  if (texts.help) return null;
  const values = Object.entries(options).flatMap(([name, option]) => {
    const value = valueFrom(option, `--${flagOf(name)}`, texts[flagOf(name)]);
    return value === undefined ? [] : [[name, value]];
  });
  return { values: Object.fromEntries(values) as Values<O>, positionals };
}

/** For a command that takes options alone: `parse`, and whatever else is given is wrong. */
export function parseOptions<O extends Options>(command: string, args: readonly string[], options: O) {
  const given = parse(command, args, options);
  if (given === null) return null;
  const [word] = given.positionals;
  if (word !== undefined) throw new UserError(`outlive ${command} takes options only, not "${word}".`);
  return given.values;
}

/** What is given, whatever is wrong with it: for a command whose options depend on that. */
export function glance(args: readonly string[], options: Options): { has(name: string): boolean; words: string[] } {
  const config = { args: [...args], options: configOf(options), allowPositionals: true, strict: false };
  const { values, positionals } = parseArgs(config);
  return { has: (name) => values[flagOf(name)] !== undefined, words: positionals };
}

/** Our own arguments, and the program with its arguments that may follow `--`. */
export function splitAtDashes(args: readonly string[]): { own: readonly string[]; program: readonly string[] } {
  const dashes = args.indexOf('--');
  return dashes < 0 ? { own: args, program: [] } : { own: args.slice(0, dashes), program: args.slice(dashes + 1) };
}

/** `failOn` is `fail-on`. */
function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function configOf(options: Options): NonNullable<ParseArgsConfig['options']> {
  const rows = Object.entries(options).map(([name, { short, value, multiple = false }]) => {
    const type = value === undefined ? 'boolean' : 'string';
    return [flagOf(name), { type, multiple, ...(short && { short }) }];
  });
  return { ...Object.fromEntries(rows), help: { type: 'boolean', short: 'h' } };
}

function strictly(command: string, args: readonly string[], options: Options) {
  try {
    const config = configOf(options);
    return parseArgs({ args: withNegatives(args, config), options: config, allowPositionals: true, strict: true });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const [unknown] = /'[^']+'/.exec(message) ?? [];
      const allowed = [...Object.keys(options), 'help'].map((name) => `--${flagOf(name)}`);
      throw new UserError(`outlive ${command} has no option ${unknown}; it has ${allowed.join(', ')}.`);
    }
    throw new UserError(`outlive ${command}: ${message.split('\n')[0]?.replace(/\.?$/, '.')}`);
  }
}

/** A number below zero is the value of the option before it, which then says what is allowed, and no option itself. */
function withNegatives(args: readonly string[], options: NonNullable<ParseArgsConfig['options']>): string[] {
  const joined: string[] = [];
  for (const argument of args) {
    const before = joined.at(-1) ?? '';
    const takesValue = before.startsWith('--') && options[before.slice(2)]?.type === 'string';
    if (takesValue && /^-\.?\d/.test(argument)) joined[joined.length - 1] = `${before}=${argument}`;
    else joined.push(argument);
  }
  return joined;
}

function valueFrom(
  { value, multiple, allowed, check, default: fallback }: Option,
  flag: string,
  given: unknown,
): unknown {
  if (value === undefined) return given === true;
  const read = allowed ? oneOf(allowed) : (check ?? ((text: string) => text));
  if (multiple) return ((given ?? []) as string[]).map((text) => read(text, flag));
  const text = (given ?? fallback) as string | undefined;
  return text === undefined ? undefined : read(text, flag);
}

const WIDTH = 120;

/** A row for each option, its help at `column`. */
export function helpOf(options: Options, column: number = columnOf(options)): string {
  return Object.entries(options)
    .map(([name, option]) => helpRow(leftOf(name, option), rightOf(option), column))
    .join('\n');
}

/** The first column that is free in every row. */
export function columnOf(options: Options): number {
  return Math.max(...Object.entries(options).map(([name, option]) => leftOf(name, option).length)) + 2;
}

/** `text` is not broken at a no-break space, and a word only where it is longer than a line. */
export function helpRow(left: string, text: string, column: number): string {
  const width = WIDTH - column;
  const lines = text.match(new RegExp(`.{1,${width}}(?: |$)|.{${width}}`, 'g')) ?? [];
  const wrapped = lines.map((line) => line.trimEnd()).join(`\n${' '.repeat(column)}`);
  return `${left.padEnd(column)}${wrapped}`.replaceAll('\u00a0', ' ');
}

function leftOf(name: string, { short, value }: Option): string {
  return `${short ? `  -${short},` : '     '} --${flagOf(name)}${value === undefined ? '' : ` ${value}`}`;
}

function rightOf({ help, allowed, multiple, default: fallback }: Option): string {
  const notes = [
    allowed?.join(', '),
    multiple && 'may be repeated',
    fallback !== undefined && `default\u00a0${fallback}`,
  ];
  const bracket = notes.filter(Boolean).join('; ');
  return bracket ? `${help} (${bracket})` : help;
}
