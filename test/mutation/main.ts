/** `npm run mutate`: makes leaks in clean programs and says which of them are found. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { optionsFrom } from '../../pipeline/options.ts';
import { UserError } from '../../user-error.ts';
import { chosenOf, done } from './arguments.ts';
import { mutantsOf } from './mutate.ts';
import { Progress } from './progress.ts';
import { complaints, isGood, type ProgramResult, resultOf, share, table, totalsOf } from './results.ts';
import { installLibraries, startServers } from './servers.ts';
import { type Observed, type Program, programs, ROOT, Workbench } from './workbench.ts';

const HELP = `Usage: npm run mutate -- [options]

Takes one call that gives something back out of a clean program at a time, runs it under the built probe, and checks
that the acquiring line is found, and nothing else.

      --only PROGRAM    one of ${programs()
        .map(({ name }) => name)
        .join(', ')}; may be repeated
      --register FILE   the preload of another build (default dist/probe/register.js)
      --docs            write the table into docs/mutation.md
      --json            everything on stdout

Exit code: 0 when 95 % of the leaking mutants are found at the exact line, nothing else is, nothing that is held is
called proven, 80 % of the others are, and every untouched program is silent; else 1; 2 wrong use.
`;
const DOCS = path.join(ROOT, 'docs/mutation.md');
/** Programs that run at the same time. */
const LANES = 2;

const values = await done('mutate', () =>
  optionsFrom(process.argv.slice(2), {
    only: { type: 'string', multiple: true, default: [] },
    register: { type: 'string', default: path.join(ROOT, 'dist/probe/register.js') },
    docs: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  }),
);
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const register = path.resolve(values.register);
const results = await done('mutate', () => {
  if (existsSync(register)) return runAll(chosenOf(programs(), values.only, 'program'));
  throw new UserError(`there is no ${register}; \`npm run build\` makes dist/probe/register.js.`);
});
const totals = totalsOf(results);
if (values.json) {
  process.stdout.write(`${JSON.stringify({ totals, programs: results }, null, 2)}\n`);
} else {
  process.stdout.write(`\n${table(results)}\n${share(totals)}\n`);
  for (const sentence of complaints(results)) process.stdout.write(`- ${sentence}\n`);
}
if (values.docs) writeDocs();
process.exitCode = isGood(totals) ? 0 : 1;

async function runAll(list: Program[]): Promise<ProgramResult[]> {
  installLibraries();
  const servers = await startServers(list.flatMap((program) => program.servers));
  const bench = new Workbench({ register, env: servers.env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      bench[Symbol.dispose]();
      // databases end with this process
      void servers.stop().finally(() => process.exit(130));
    });
  }
  try {
    const tasks = list.flatMap((program) => {
      return [null, ...mutantsOf(program.files)].map((mutant) => ({
        program,
        mutant,
        observed: null as Observed | null,
      }));
    });
    const progress = new Progress(process.stderr, tasks.length);
    const queue = tasks[Symbol.iterator]();
    const lane = async () => {
      for (const task of queue) {
        task.observed = await bench.observe(task.program, task.mutant);
        progress.step(task.program.name);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    progress.end();

    return list.map(({ name, held }) => {
      const [first, ...rest] = tasks.filter(({ program }) => program.name === name);
      const untouched = first!.observed!;
      const mutants = rest.map(({ mutant, observed }) => resultOf(mutant!, observed!, untouched, held));
      return { name, untouched, mutants };
    });
  } finally {
    bench[Symbol.dispose]();
    await servers.stop();
  }
}

function writeDocs(): void {
  const text = readFileSync(DOCS, 'utf8');
  const block = `<!-- table -->\n\n${table(results)}\n${share(totals)}.\n\n<!-- end -->`;
  writeFileSync(DOCS, text.replace(/<!-- table -->[\s\S]*<!-- end -->/, block));
}
