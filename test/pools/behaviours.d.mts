/** What a driver says of its library; see drivers/. */
export type Driver = Record<string, unknown>;

export interface Behaviour {
  /** Leases that the ledger must have seen, and how many of them are still out at the end. */
  lent(driver: Driver): number;
  open?(): number;
  run(lab: object): Promise<void>;
}

export const behaviours: Record<string, Behaviour>;
