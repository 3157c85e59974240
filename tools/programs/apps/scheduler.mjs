import { Cron } from 'croner';
import cron from 'node-cron';

let _n = 0;
cron.schedule('* * * * * *', () => {
  _n++;
});
new Cron('* * * * * *', () => {
  _n++;
});
setInterval(() => {
  const c = new Cron('* * * * * *', () => {});
  c.stop();
}, 50);
