import diagnosticsChannel from 'node:diagnostics_channel';
import { onLeave } from '../process/leaving.ts';

/** Subscribes to a channel of `diagnostics_channel`, until the probe leaves. */
export function listenTo(name: string, told: (message: unknown) => void): void {
  diagnosticsChannel.subscribe(name, told);
  onLeave(() => diagnosticsChannel.unsubscribe(name, told));
}
