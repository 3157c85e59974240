/** Too many listeners of one event, on one emitter or event target, as Node itself told when they became too many. */
import type { EventEmitter } from 'node:events';
import type { Site } from './site.ts';

export interface Crowd {
  /** Nothing here may keep it. */
  emitter: WeakRef<EventEmitter | EventTarget>;
  /** Of its class. */
  name: string;
  event: string | symbol;
  /** How many there were then. */
  warnedAt: number;
  /** Where the last of them was added, and whether in a request or a job. */
  site: Site;
  isOfScope: boolean;
}
