/** Options of the pipeline's commands, each wrong one told in a sentence. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UserError } from '../user-error.ts';

/** Throws `UserError`. */
export function numberFrom(option: string, value: string, min: number, max: number): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isInteger(number) && number >= min && number <= max) return number;
  throw new UserError(`--${option} must be a whole number from ${min} to ${max}, not "${value}".`);
}

/** `help`: how the options of this command are asked for. Throws `UserError`. */
export function optionsFrom<const T extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: T,
  help = '--help',
): ReturnType<typeof parseArgs<{ options: T }>>['values'] {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UserError(`${(error as Error).message.split('. ')[0]}; ${help} lists the options.`);
  }
}
