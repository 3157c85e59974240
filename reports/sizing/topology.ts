/** How many connections each way to share them opens, for a topology, against the server's limit. */

export interface Topology {
  regions: number;
  /** Per region; of an ordinary service: its replicas. */
  taskManagers: number;
  /** Jobs in each task manager, and parallel slots of each job. An ordinary service: 1 and its requests at a time. */
  jobs: number;
  slots: number;
  /** Connections that a slot asks for at a time. */
  operations: number;
  /** Of each pool. */
  poolMin: number;
  poolMax: number;
}

export const MODELS = ['shared', 'per-slot', 'per-job'] as const;
export type Model = (typeof MODELS)[number];

export const MODEL_WORDS: Record<Model, string> = {
  shared: 'one pool a task manager',
  'per-slot': 'a pool for each slot',
  'per-job': 'a pool for each job in each task manager',
};

export interface Demand {
  model: Model;
  pools: number;
  /** Slots that share one pool. */
  slotsPerPool: number;
  /** Opened when the pools are made. */
  atStart: number;
  /** Asked for at once when every slot begins to work. */
  asked: number;
  /** What those pools open for it: never more than they may. */
  atPeak: number;
}

export function demandOf(model: Model, topology: Topology): Demand {
  const { regions, taskManagers, jobs, slots, operations, poolMin, poolMax } = topology;
  const processes = regions * taskManagers;
  const pools = processes * { shared: 1, 'per-slot': jobs * slots, 'per-job': jobs }[model];
  const slotsPerPool = { shared: jobs * slots, 'per-slot': 1, 'per-job': slots }[model];
  return {
    model,
    pools,
    slotsPerPool,
    atStart: pools * poolMin,
    asked: processes * jobs * slots * operations,
    atPeak: pools * Math.max(poolMin, Math.min(poolMax, slotsPerPool * operations)),
  };
}
