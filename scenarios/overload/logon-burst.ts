/** One of the programs that log on at once to measure the server: opens so many connections when told, and keeps them. */
import pg from 'pg';

export type BurstOrder = { url: string; count: number };
export type BurstTold = { ready: true } | { endedAt: number } | { failed: string };

const clients: pg.Client[] = [];

process.on('message', ({ url, count }: BurstOrder) => {
  Promise.all(Array.from({ length: count }, () => open(url))).then(
    () => say({ endedAt: Date.now() }),
    (error: Error) => say({ failed: error.message }),
  );
});
process.on('disconnect', () => process.exit());
say({ ready: true });

async function open(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, application_name: 'outlive meter' });
  client.on('error', () => {});
  clients.push(client);
  await client.connect();
}

function say(told: BurstTold): void {
  process.send?.(told);
}
