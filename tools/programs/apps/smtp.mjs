import nodemailer from 'nodemailer';
import { SMTPServer } from 'smtp-server';

const port = Number(process.env.PORT);
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onData(s, _, done) {
    s.resume();
    s.on('end', done);
  },
});
server.listen(port, '127.0.0.1', () => {
  const t = nodemailer.createTransport({ host: '127.0.0.1', port, pool: true, secure: false, ignoreTLS: true });
  const one = () => nodemailer.createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
  setInterval(() => {
    t.sendMail({ from: 'a@b.c', to: 'd@e.f', text: 'x' }).catch(() => {});
  }, 20);
  setInterval(() => {
    one()
      .sendMail({ from: 'a@b.c', to: 'd@e.f', text: 'x' })
      .catch(() => {});
  }, 60);
});
