/** For tests that start what is in dist: importing this waits until it is built. Those that do without need no build. */
import { inject } from 'vitest';
import { askDesk } from './desk.ts';

await askDesk(inject('build'));
