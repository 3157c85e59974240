import type { Socket } from 'node:net';

/**
 * By an RST. One whose end has begun is closed without: there Node.js (24) closes nothing, and waits for the socket for
 * ever when the process ends.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
