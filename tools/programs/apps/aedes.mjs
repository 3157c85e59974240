import { createRequire } from 'node:module';
import net from 'node:net';

const require = createRequire(import.meta.url);
const Aedes = require('aedes');
const mqtt = require('mqtt');
const aedes = new Aedes();
const port = Number(process.env.PORT);
net.createServer(aedes.handle).listen(port, () => {
  const sub = mqtt.connect(`mqtt://127.0.0.1:${port}`);
  sub.subscribe('t');
  setInterval(() => {
    sub.publish('t', 'x');
  }, 10);
  setInterval(() => {
    const c = mqtt.connect(`mqtt://127.0.0.1:${port}`);
    c.on('connect', () => c.publish('t', 'y', () => c.end()));
  }, 50);
});
