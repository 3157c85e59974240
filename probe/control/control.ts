/**
 * The soak's side door: a local socket (OUTLIVE_CONTROL) over which a runner tells every probed process and thread that
 * a round has ended, and hears when it has been judged. Off otherwise. The service is never held open by it, and never
 * sees the variable. What is said there: protocol.ts.
 */
import { statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { guarded } from '../process/lapses.ts';
import type { SnapshotName } from '../recording/snapshot-names.ts';
import type { Injector } from './inject/injector.ts';
import { type Answer, type ControlRequest, type Door, doorOf, linesOf, orderOf } from './protocol.ts';

/** What the probe lets the door do. */
export interface Controlled {
  /** Resources open now that somebody owes. */
  readonly owedCount: number;
  checkpoint(options: { round: number }): Promise<{ standing: readonly unknown[] }>;
  /** Null, or a sentence why it was not written. */
  snapshot(name: SnapshotName, maxMb: number): string | null;
}

export function openControl(control: string, probe: Controlled, injector: Injector | null): void {
  const door = doorOf(control);
  if (!door || !isOfOwnUser(door)) return;
  const socket = net.connect(door.address);
  socket.unref();
  socket.on('error', () => {});
  socket.write(`${door.secret}\n`);
  let rest = '';
  let standing = 0;
  socket.setEncoding('utf8').on('data', (text: string) => {
    const split = linesOf(rest, text);
    if (split === null) {
      socket.destroy();
      return;
    }
    rest = split.rest;
    for (const line of split.lines) {
      const order = orderOf(line);
      if (order) guarded('control', answer, order);
    }
  });

  const reply = (id: number, more: Partial<Answer> = {}): void => {
    const result: Answer = { id, open: probe.owedCount, findings: standing, ...more };
    socket.write(`${JSON.stringify(injector ? { ...result, turn: injector.end() } : result)}\n`);
  };
  const answer = (request: ControlRequest): void => {
    if (request.do === 'begin-turn') injector?.begin(request.fault);
    if (request.do === 'snapshot') {
      const why = probe.snapshot(request.name, request.maxMb);
      reply(request.id, why === null ? {} : { noSnapshot: why });
      return;
    }
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

/** A folder that is gone may have been made again by somebody else, who would be obeyed. */
function isOfOwnUser({ address }: Door): boolean {
  if (process.geteuid === undefined) return true;
  return statSync(path.dirname(address), { throwIfNoEntry: false })?.uid === process.geteuid();
}
