/** The public module `outlive/scenario`: what a scenario in a file of its own is written with. */
export type { Finding, Report } from '../probe/recording/report.ts';
export type { Expectation } from './check.ts';
export { type LeakIncident, leakScenario } from './leak.ts';
export * from './scenario.ts';
