import diagnosticsChannel from 'node:diagnostics_channel';
import { failing, gateOf, type Part } from '../process/lapses.ts';
import { onLeave } from '../process/leaving.ts';

/** Listens to a channel of `diagnostics_channel`, until the probe leaves. Returns what ends it before. */
export function listenTo<Message>(part: Part, channel: string, told: (message: Message) => void): () => void {
  const gate = gateOf(part);
  const hook = failing(part, { told });
  // as `guarded` would: each request comes by here
  const listener = (message: unknown): void => {
    if (gate.isShut) return;
    try {
      hook.told(message as Message);
    } catch {
      gate.lapse();
    }
  };
  const stop = (): void => {
    diagnosticsChannel.unsubscribe(channel, listener);
  };
  diagnosticsChannel.subscribe(channel, listener);
  onLeave(stop);
  return stop;
}
