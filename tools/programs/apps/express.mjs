import express from 'express';
import session from 'express-session';

const app = express();
app.use(session({ secret: 's', resave: false, saveUninitialized: true }));
app.get('/', (_, res) => {
  setTimeout(() => res.send('x'), 1);
});
app.get('/file', (_, res) => res.sendFile(`${process.cwd()}/app.mjs`));
app.listen(process.env.PORT, '127.0.0.1');
