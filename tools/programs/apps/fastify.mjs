import Fastify from 'fastify';

const app = Fastify();
app.get('/', async () => ({ a: 1 }));
app.post('/', async (r) => r.body);
await app.listen({ port: Number(process.env.PORT) });
