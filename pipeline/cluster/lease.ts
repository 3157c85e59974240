/** A task manager's leave to work: with nobody who asks for it, it must not go on with what others begin again. */

const LOOK_MS = 250;
/** Of the time that it did not look; one that was stopped meanwhile has none. */
const LEAST_AT_WORK = 0.25;

/**
 * Ends this process after so many milliseconds without a call of what is returned. One that was at work itself all the
 * time has yet to read what came; one that was stopped ends before it does anything else.
 */
export function endWithoutWord(leaseMs: number): () => void {
  let heardAt = performance.now();
  let lookedAt = heardAt;
  let cpu = process.cpuUsage();
  setInterval(() => {
    const now = performance.now();
    const between = now - lookedAt;
    const { user, system } = process.cpuUsage(cpu);
    const wasAtWork = (user + system) / 1000 > LEAST_AT_WORK * between;
    lookedAt = now;
    cpu = process.cpuUsage();
    if (between > leaseMs && wasAtWork) heardAt = now;
    else if (now - heardAt > leaseMs) process.exit(1);
  }, LOOK_MS).unref();
  return () => {
    heardAt = performance.now();
  };
}
