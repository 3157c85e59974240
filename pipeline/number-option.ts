import { UserError } from '../user-error.ts';

/** Throws `UserError`. */
export function numberFrom(option: string, value: string, min: number, max: number): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isInteger(number) && number >= min && number <= max) return number;
  throw new UserError(`--${option} must be a whole number from ${min} to ${max}, not "${value}".`);
}
