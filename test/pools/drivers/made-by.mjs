/** What is done the same way with all pools that lend whatever a function of the service's makes. */
let made = 0;

export const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** What such a pool is made with. */
export const maker = {
  create: async () => ({ id: ++made, isValid: true }),
  destroy: async () => {},
  validate: ({ isValid }) => isValid,
};

/** A subclass that counts how often it is called. */
export const countingIn = (Pool) =>
  class Counting extends Pool {
    calls = 0;
    acquire(...args) {
      this.calls++;
      return super.acquire(...args);
    }
    release(...args) {
      this.calls++;
      return super.release(...args);
    }
  };

export const use = async () => {};
export const calls = (pool) => pool.calls;

export function waitsAtMost(pool, ms) {
  pool.acquireTimeoutMillis = ms;
}
export const refusing = () => ({
  create: async () => {
    await soon(20);
    throw new Error('refused');
  },
});
export const hanging = () => ({ create: () => new Promise(() => {}) });
export const validating = {};
export const evicting = { idleTimeoutMillis: 20 };
export const queueing = null;
function breakConnection(_, connection) {
  connection.isValid = false;
}

export { breakConnection as break };
