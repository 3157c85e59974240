// As the platform's runtime: an invocation for each line of stdin.
import { createInterface } from 'node:readline';
import { handler } from './handler.mjs';

for await (const line of createInterface({ input: process.stdin })) console.log(await handler(JSON.parse(line)));
