/**
 * Preloaded under Clinic Bubbleprof, which has the program end by SIGINT once what it recorded is written, and waits for
 * that in vain at times: tells it that the program ends, and ends it a little later.
 */
const WRITTEN_MS = 2000;

// Clinic itself has it from the same environment
if (process.env.NODE_CLINIC_BUBBLEPROF_DATA_PATH !== undefined) {
  process.once('SIGINT', () => {
    process.emit('beforeExit', 0);
    setTimeout(() => process.exit(), WRITTEN_MS);
  });
}
