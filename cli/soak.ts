/** Finds out what is to be soaked: a service, a job or a scenario. */
import { SCENARIOS } from '../scenarios/catalog.ts';
import { findScenario, wordOfScenario } from '../scenarios/find.ts';
import { UserError } from '../user-error.ts';
import { glance, parse, splitAtDashes } from './options.ts';
import { EVERY, HELP, helpAbout, JOB, optionsOf, SERVICE } from './soak-options.ts';
import { EXIT_CLEAN, EXIT_INTERRUPTED, printHelp } from './usage.ts';

export async function main(args: readonly string[]): Promise<number> {
  const { own, program } = splitAtDashes(args);
  const { has, words } = glance(own, EVERY);
  const asked = wordOfScenario(words);
  if (asked !== undefined) return scenario(asked, own, program);
  if (has('command')) return job(own, program);
  if (has('url') || has('script') || program.length > 0) return service(own, program);
  if (parse('soak', own, EVERY) === null) return printHelp(HELP);
  const names = SCENARIOS.map(({ name }) => name).join(', ');
  throw new UserError(`outlive soak needs --url and a program after --, or --command, or a scenario: ${names}.`);
}

async function service(own: readonly string[], program: readonly string[]): Promise<number> {
  const given = parse('soak of a service', own, SERVICE);
  if (given === null) return printHelp(HELP);
  const { soakProgram } = await import('./soak-program.ts');
  return soakProgram(given.values, program);
}

async function job(own: readonly string[], program: readonly string[]): Promise<number> {
  const given = parse('soak of a job', own, JOB);
  if (given === null) return printHelp(HELP);
  if (program.length > 0) throw new UserError('outlive soak takes either --command or a program after --, not both.');
  const { soakJob } = await import('./soak-program.ts');
  return soakJob(given.values);
}

async function scenario(asked: string, own: readonly string[], program: readonly string[]): Promise<number> {
  const found = await findScenario(asked);
  const given = parse(`soak ${found.name}`, own, optionsOf(found));
  if (given === null) return printHelp(HELP + helpAbout(found));
  const [, second] = given.positionals;
  if (second !== undefined) throw new UserError(`outlive soak takes one scenario at a time, not also "${second}".`);
  if (program.length > 0) throw new UserError('A scenario brings its own program: nothing goes after --.');
  const { soak } = await import('./soak-scenario.ts');
  const code = await soak(found, given.values);
  return given.values.failOn === 'never' && code !== EXIT_INTERRUPTED ? EXIT_CLEAN : code;
}
