/** The measured side: does units of work when told, and tells the CPU time that a slice took. */

export type Command = { do: 'run'; units: number } | { do: 'begin' } | { do: 'end' };

/** What the answers are: CPU microseconds for `end`, anything for the others. */
export type Answer = { value: number | string };

/** `run` does `units` units of the workload; `hello` is sent when the workload is ready. */
export function metered(run: (units: number) => unknown, hello: string = ''): void {
  const send = (value: number | string): void => void process.send?.({ value } satisfies Answer);
  let began = process.cpuUsage();
  process.on('message', async (command: Command) => {
    if (command.do === 'run') {
      const value = await run(command.units);
      return send(typeof value === 'number' ? value : 0);
    }
    if (command.do === 'begin') {
      began = process.cpuUsage();
      return send(0);
    }
    const { user, system } = process.cpuUsage(began);
    send(user + system);
  });
  // the driver is gone: nothing may stay behind
  process.on('disconnect', () => process.exit());
  send(hello);
}
