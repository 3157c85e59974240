/**
 * The soak's side door: a local socket (OUTLIVE_CONTROL) over which a runner tells every probed process and thread that
 * a round has ended, and hears when it has been judged. Off otherwise. One JSON line each way:
 * `{"id":1,"do":"round-ended","round":2}` → `{"id":1,"open":3,"findings":1}`. The service is never held open by it.
 */
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { guarded } from '../process/lapses.ts';
import type { Fault, Injector, Left, Turn } from './inject/injector.ts';

export interface RoundResult {
  /** Resources open at the quiesced point. */
  open: number;
  /** Findings that stand. */
  findings: number;
  /** Of a soak that makes operations fail, see inject/. */
  turn?: Turn;
}

export type ControlRequest = { id: number } & ControlOrder;

export type ControlOrder =
  /** Let it settle and judge; `round` 0: the warm-up. */
  | { do: 'round-ended'; round: number }
  /** A turn begins, in which `fault` is made. */
  | { do: 'begin-turn'; fault: Fault | null }
  /** That the fault of the last turns left these open is known. */
  | { do: 'blame'; recipe: string; left: Omit<Left, 'count'>[] };

/** Where a door of that name is: on Linux not in the file system, so that nothing is left behind. */
export function controlAddress(name: string): string {
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : path.join(tmpdir(), name);
}

/** What the probe lets the door do. */
export interface Controlled {
  /** Resources open now that somebody owes. */
  readonly owedCount: number;
  checkpoint(options: { round: number }): Promise<{ standing: readonly unknown[] }>;
}

export function openControl(name: string, probe: Controlled, injector: Injector | null): void {
  const socket = net.connect(controlAddress(name));
  socket.unref();
  socket.on('error', () => {});
  let buffer = '';
  let standing = 0;
  socket.setEncoding('utf8').on('data', (text: string) => {
    buffer += text;
    const lines = buffer.split('\n');
    buffer = lines.pop() ?? '';
    for (const line of lines) guarded('control', () => answer(JSON.parse(line) as ControlRequest));
  });

  const reply = (id: number): void => {
    const result: RoundResult & { id: number } = { id, open: probe.owedCount, findings: standing };
    socket.write(`${JSON.stringify(injector ? { ...result, turn: injector.end() } : result)}\n`);
  };
  const answer = (request: ControlRequest): void => {
    if (request.do === 'begin-turn') injector?.begin(request.fault);
    if (request.do === 'blame') for (const left of request.left) injector?.blame(request.recipe, left);
    if (request.do !== 'round-ended') {
      reply(request.id);
      return;
    }
    probe.checkpoint({ round: request.round }).then(
      (checkpoint) =>
        guarded('control', () => {
          standing = checkpoint.standing.length;
          reply(request.id);
        }),
      (error: unknown) =>
        guarded('control', () => {
          throw error;
        }),
    );
  };
}
