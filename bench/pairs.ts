/** One round of paired slices: fresh processes of all variants, then slice after slice of each in random order. */
import { setTimeout as delay } from 'node:timers/promises';
import { shuffled } from './statistics.ts';
import { Subject, type Workload } from './subject.ts';
import type { Variant } from './variants.ts';

/** By variant but for the first, which the others are compared with. */
export type Slices = Map<Variant, number[]>;

export interface Plan {
  workload: Workload;
  /** Units of work in a slice, and before the first one. */
  units: number;
  warmUp: number;
  slices: number;
  /** Default: the workload runs by itself. */
  drive?: (subject: Subject, units: number) => Promise<unknown>;
}

/** CPU microseconds per unit, of all variants; `tell` hears the probe's own account of the same, where it runs. */
export async function sliced(
  variants: readonly Variant[],
  plan: Plan,
  tell: (variant: Variant, account: number) => void = () => {},
): Promise<Slices> {
  const { workload, units, warmUp, slices, drive = (subject, count) => subject.run(count) } = plan;
  await using subjects = await Subjects.start(workload, variants);
  for (const [, subject] of subjects.all) await drive(subject, warmUp);
  const before = await accountsOf(subjects);
  const cpu: Slices = new Map(variants.map((variant) => [variant, []]));
  for (let slice = 0; slice < slices; slice++) {
    for (const [variant, subject] of shuffled(subjects.all)) {
      cpu.get(variant)?.push((await subject.measure(() => drive(subject, units))) / units);
    }
  }
  for (const [variant, after] of await accountsOf(subjects)) {
    tell(variant, ((after - (before.get(variant) ?? 0)) * 1000) / (units * slices));
  }
  return cpu;
}

/** By variant under the probe: CPU milliseconds so far. */
async function accountsOf({ all }: Subjects): Promise<Map<Variant, number>> {
  // it is written down once a second
  if (all.some(([, subject]) => subject.account() !== null)) await delay(1600);
  return new Map(all.flatMap(([variant, subject]) => [[variant, subject.account()] as const]).filter(isKnown));
}

function isKnown(entry: readonly [Variant, number | null]): entry is [Variant, number] {
  return entry[1] !== null;
}

/** Slices that were taken together, as ratio or difference to those of the first variant. */
export function compared(slices: Slices, as: 'ratio' | 'difference'): Slices {
  const [[, base], ...others] = [...slices] as [[Variant, number[]], ...[Variant, number[]][]];
  const compare = (value: number, slice: number): number => {
    const bare = base[slice] as number;
    return as === 'ratio' ? value / bare : value - bare;
  };
  return new Map(others.map(([variant, values]) => [variant, values.map(compare)]));
}

/** One process of each variant. */
export class Subjects implements AsyncDisposable {
  readonly all: [Variant, Subject][] = [];

  static async start(workload: Workload, variants: readonly Variant[]): Promise<Subjects> {
    const subjects = new Subjects();
    try {
      for (const variant of shuffled(variants)) subjects.all.push([variant, await Subject.start(workload, variant)]);
    } catch (error) {
      await subjects[Symbol.asyncDispose]();
      throw error;
    }
    return subjects;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [, subject] of this.all) await subject[Symbol.asyncDispose]();
  }
}
