/** Messages over a socket: one line of JSON each. */
import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Of one message, characters: a submission is far below, and so is what a task tells. */
const LONGEST_LINE = 16 * 2 ** 20;

/** Whatever is no such message ends the socket; an error of the socket is the end of it, which 'close' says. */
export function hearLines<Message>(socket: Duplex, hear: (message: Message) => void): void {
  const decoder = new StringDecoder('utf8'); // Node.js refuses to set the encoding of a server's socket
  let rest = '';
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.on('data', (bytes: Buffer) => {
    const lines = (rest + decoder.write(bytes)).split('\n');
    rest = lines.pop() as string;
    if (rest.length > LONGEST_LINE) socket.destroy();
    for (const line of lines) {
      if (socket.destroyed) return;
      const message = messageOf<Message>(line);
      if (message) hear(message);
      else socket.destroy();
    }
  });
}

export function sendLine(socket: Duplex, message: unknown): void {
  if (!socket.destroyed && socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** Null: it is none. */
export function messageOf<Message>(line: string): Message | null {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' && message !== null ? (message as Message) : null;
  } catch {
    return null;
  }
}
