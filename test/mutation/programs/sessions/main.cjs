// Sessions are event emitters with a heartbeat, which ends when they are closed; no scopes.
const { EventEmitter } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const run = require('../run.cjs');

class Session extends EventEmitter {
  constructor(id) {
    super();
    this.id = id;
    this.heartbeat = setInterval(() => this.emit('beat'), 100); // acquires: heartbeat
    this.once('close', () => this.end());
  }
  end() {
    clearInterval(this.heartbeat); // gives back: heartbeat
    this.removeAllListeners();
  }
}

function typing(session) {
  const indicator = setInterval(() => session.emit('typing'), 30); // acquires: indicator
  session.once('sent', () => clearInterval(indicator)); // gives back: indicator
  session.once('close', () => {
    // the second of two when the message was sent
    clearInterval(indicator); // gives back: indicator
  });
}

function open(id) {
  const session = new Session(id);
  if (id % 2) typing(session);
  setTimeout(() => {
    if (id % 4 === 3) session.emit('sent');
    setTimeout(() => session.emit('close'), 20);
  }, 40);
}

run(async () => {
  for (let id = 0; id < 80; id++) {
    open(id);
    await sleep(15);
  }
  await sleep(100);
});
