import fs from 'node:fs';
import Koa from 'koa';

const app = new Koa();
app.use(async (c) => {
  c.body = c.path === '/f' ? fs.createReadStream('app.mjs') : 'x';
});
app.listen(process.env.PORT, '127.0.0.1');
