import fs from 'node:fs';
import chokidar from 'chokidar';

fs.mkdirSync('d', { recursive: true });
chokidar.watch('d').on('all', () => {});
let i = 0;
setInterval(() => {
  fs.writeFileSync(`d/f${i++ % 50}`, 'x');
  if (i % 7 === 0) fs.rmSync(`d/f${i % 50}`, { force: true });
}, 20);
