import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';

const yoga = createYoga({
  logging: false,
  schema: createSchema({
    typeDefs: 'type Query { a: String } type Subscription { n: Int }',
    resolvers: {
      Query: { a: () => 'x' },
      Subscription: {
        n: {
          subscribe: async function* () {
            for (let i = 0; i < 3; i++) {
              await new Promise((r) => setTimeout(r, 5));
              yield { n: i };
            }
          },
        },
      },
    },
  }),
});
createServer(yoga).listen(process.env.PORT, '127.0.0.1');
