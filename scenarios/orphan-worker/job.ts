/** A job in a thread of its own: tells its result, and then how it is, until its thread is ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { openPool } from '../../pipeline/store/database.ts';

const { url, run } = workerData as { url: string; run: number };
const pool = await openPool({ url, name: 'job', max: 1 });
const connection = await pool.acquire();
const [row] = await connection.query<{ lanes: number }>('select 1 as lanes');
connection.release();
await pool.close();
parentPort?.postMessage({ lanes: row?.lanes });
// whoever looks after the job is told that it is there
setInterval(() => parentPort?.postMessage({ alive: run }), 1000);
