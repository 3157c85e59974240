// Loaded into a program first, with --leak: a heartbeat that nobody ends, as somebody might have forgotten it.
const { setInterval: every } = require('node:timers');

let beats = 0;
every(() => {
  setInterval(() => beats++, 10_000); // the leak
}, 200);
