/** The live page, on the loopback: for this machine's browsers, and for no other page that they have open. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { renderHtml } from '../reports/html/render.ts';
import { UserError } from '../user-error.ts';
import { livePage, liveView } from './page.ts';
import type { View } from './view.ts';

const HOST = '127.0.0.1';

/** `port` 0: any. Throws `UserError` when it is taken. */
export async function serveLive(look: () => View, cwd: string, port: number): Promise<{ url: string; close(): void }> {
  const pages: Record<string, () => string> = {
    '/': () => livePage(look(), cwd),
    '/view': () => liveView(look(), cwd).text,
    '/report': () => {
      const { report, recordings } = look();
      return renderHtml(report, recordings);
    },
  };
  const server = createServer((request, response) => {
    const page = request.method === 'GET' && isOurs(request, server) ? pages[request.url ?? ''] : undefined;
    const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' };
    response.writeHead(page ? 200 : 404, { ...headers, 'x-content-type-options': 'nosniff' });
    response.end(page?.() ?? 'There is no such page.');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new UserError(`Port ${port} is taken: --web PORT names another.`)));
    server.listen(port, HOST, resolve);
  });
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://${HOST}:${portOf(server)}/`, close };
}

/** A name that somebody else's page has made to lead here is none of ours. */
function isOurs({ headers: { host = '' } }: IncomingMessage, server: Server): boolean {
  const port = portOf(server);
  return [`${HOST}:${port}`, `localhost:${port}`].includes(host);
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
