import { connectionLeak } from './connection-leak/scenario.ts';
import type { Scenario } from './scenario.ts';

export const SCENARIOS: readonly Scenario[] = [connectionLeak];
