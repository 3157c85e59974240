/** Where the drivers of MySQL find their server, and one that never answers. */
import net from 'node:net';

export function mysqlUrl() {
  const { hostname: host, port, username: user } = new URL(process.env.MYSQL_URL);
  return { host, port: Number(port), user };
}

export async function hangingServer() {
  const server = net.createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return server.unref().address().port;
}
