/** A scenario: a reproducible incident, and the claims about it that a soak proves or refutes. */
import type { Recording } from '../probe/recording/format.ts';
import type { Report } from '../probe/recording/report.ts';

export interface Scenario {
  /** What `outlive soak` is given; lower case, words joined by hyphens. */
  name: string;
  /** One line for `outlive scenarios`. */
  title: string;
  /** What happened, in a few sentences, for --help and the docs. */
  story: string;
  /** Runs of each variant, by default. */
  runs: number;
  /** Fewer runs than this prove nothing (default 1). */
  fewestRuns?: number;
  /** Flags of this scenario's own, by name without `--`; `dryRun` is `--dry-run`. */
  options?: Readonly<Record<string, ScenarioOption>>;
  /** Ends the sentence "As it should be: …." when every check passed. */
  conclusion?: string;
  /**
   * Runs every variant and judges the outcome. What it starts it also ends, whatever happens. An `AbortError` when
   * `signal` ended it, a `UserError` for what the user can mend.
   */
  soak(context: SoakContext): Promise<SoakResult>;
}

export interface ScenarioOption {
  /** One line for --help. */
  help: string;
  fallback: string;
  /** Every allowed value, or undefined for any text. */
  allowed?: readonly string[];
}

export interface SoakContext {
  /** Folder for what is written: one folder below it for each variant, which the report is written to as well. */
  out: string;
  runs: number;
  signal: AbortSignal;
  /** Where the soak is: `variant` may be another stage too, such as a database that is being started. */
  onProgress(variant: string, run: number, of: number, note: string): void;
  /** Values of the scenario's own flags; `fallback` where none was given. */
  options: Readonly<Record<string, string>>;
}

export interface SoakResult {
  variants: VariantResult[];
  checks: Check[];
  /** Path of a page that compares the variants. */
  html?: string;
  /** The same for a terminal, and as data for --json. */
  table?: string;
  outcome?: unknown;
}

export interface VariantResult {
  name: string;
  folder: string;
  report: Report;
  recordings: Recording[];
  /** What it did, for the machine-readable outcome. */
  work?: Work;
}

/** Work done: variants that are compared must have done the same. */
export type Work = Record<string, number>;

export interface Check {
  passed: boolean;
  /** Not passed, and not refuted either: this machine could not show it, for the reason that the sentence ends with. */
  isInconclusive?: true;
  /** One plain sentence. */
  sentence: string;
}

/** Names the type, so that an editor helps to write a scenario in a file of its own. */
export function defineScenario(scenario: Scenario): Scenario {
  return scenario;
}
