/** `npm run cluster -- task-manager`: a task manager that registers with a job manager, until it is stopped. */
import { UserError } from '../../user-error.ts';
import { numberFrom, optionsFrom } from '../options.ts';
import { registerElsewhere } from './elsewhere.ts';
import { modulesFolder } from './modules-folder.ts';
import { MOST_SLOTS } from './registration.ts';

const HELP = `Usage: npm run cluster -- task-manager --url URL [options]

A task manager that registers with the job manager at URL, from this machine or another. It does tasks as long as the
job manager says a word every few seconds; without one it gives them up and registers anew. See docs/cluster.md.

  --url URL            of the job manager: http://HOST:8081
  --token TOKEN        what the job manager asks for (default: OUTLIVE_CLUSTER_TOKEN)
  --slots N            tasks at a time (default 2)
  --modules DIR        a copy of the job manager's folder of modules (default: none; jobs of modules fail here)
  --help

Exit status: 0 stopped by Ctrl-C or SIGTERM, 2 wrong use, or refused by the job manager.
`;

/** Throws `UserError`. */
export async function runTaskManager(args: string[], say: (sentence: string) => void): Promise<void> {
  const text = { type: 'string' } as const;
  const options = { url: text, token: text, slots: text, modules: text, help: { type: 'boolean' } } as const;
  const values = optionsFrom(args, options, 'task-manager --help');
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const modules = modulesFolder(values.modules);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  await registerElsewhere({
    url: urlFrom(values.url),
    token: values.token ?? process.env.OUTLIVE_CLUSTER_TOKEN ?? null,
    slots: numberFrom('slots', values.slots ?? '2', 1, MOST_SLOTS),
    modules,
    signal: stopping.signal,
    log: say,
  });
}

function urlFrom(value: string | undefined): URL {
  if (value === undefined) throw new UserError('Where is the job manager? Give --url http://HOST:PORT.');
  const url = URL.parse(value);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new UserError(`--url must be of the form http://HOST:PORT, not "${value}".`);
}
