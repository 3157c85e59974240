/** The scenarios that come with outlive: one line each. */
import { connectionLeak } from './connection-leak/scenario.ts';
import type { Scenario } from './scenario.ts';

export const SCENARIOS: readonly Scenario[] = [connectionLeak];
