import diagnosticsChannel from 'node:diagnostics_channel';
import { guarded, type Part } from '../process/lapses.ts';
import { onLeave } from '../process/leaving.ts';

/** Listens to a channel of `diagnostics_channel`, until the probe leaves. Returns what ends it before. */
export function listenTo<Message>(part: Part, channel: string, told: (message: Message) => void): () => void {
  const listener = (message: unknown): void => {
    guarded(part, told, message as Message);
  };
  const stop = (): void => {
    diagnosticsChannel.unsubscribe(channel, listener);
  };
  diagnosticsChannel.subscribe(channel, listener);
  onLeave(stop);
  return stop;
}
