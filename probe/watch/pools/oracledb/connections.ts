/** What the service does with a connection: use it, open streams on it, give it back. */
import { guarded } from '../../../process/lapses.ts';
import { bindLast } from '../../callbacks.ts';
import type { Desk } from '../../desk.ts';
import { patch, patchAliases } from '../../patch.ts';
import type { Calls } from './calls.ts';
import { type Connection, isClosing } from './driver.ts';
import type { Leases } from './leases.ts';
import { endsSession, type Streams } from './streams.ts';

const PART = 'oracledb';

/** Operations that only show that it is in use. */
const OPERATIONS = ['executeMany', 'runPipeline', 'commit', 'rollback', 'ping'];

export interface ConnectionParts {
  desk: Desk;
  calls: Calls;
  leases: Leases;
  streams: Streams;
}

export function patchConnection(
  { prototype }: { prototype: Record<string, unknown> },
  { desk, calls, leases, streams }: ConnectionParts,
): void {
  const { flows } = desk;
  const use = (connection: Connection, statement: unknown, operation: string): void => {
    const lease = leases.of(connection);
    if (lease) desk.use(lease, textOf(statement) ?? operation);
  };

  patchAliases(prototype, ['close', 'release'], (original) => {
    const wrapped = {
      close(this: Connection): unknown {
        // biome-ignore lint/complexity/noArguments: only looked at
        const args = arguments;
        guarded(PART, () => {
          const lease = leases.of(this);
          if (!lease || !isClosing(this, args)) return;
          streams.leaseCloses(lease, endsSession(this, args));
          desk.close(lease, wrapped.close);
        });
        bindLast(args, flows);
        return flows.shed(original, this, args);
      },
    };
    return wrapped.close;
  });

  patch(prototype, 'execute', (original) => {
    const wrapped = {
      execute(this: Connection, statement?: unknown): unknown {
        // biome-ignore lint/complexity/noArguments: only looked at
        const args = arguments;
        const call = guarded(PART, () => {
          use(this, statement, 'execute');
          return streams.askExecute(args, wrapped.execute);
        });
        return calls.run(call ?? null, original, this, args);
      },
    };
    return wrapped.execute;
  });

  patch(prototype, 'queryStream', (original) => {
    const wrapped = {
      queryStream(this: Connection, statement?: unknown): unknown {
        const call = guarded(PART, () => {
          use(this, statement, 'queryStream');
          return streams.ask('query stream', wrapped.queryStream);
        });
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        const stream = calls.run<object>(call ?? null, original, this, arguments);
        guarded(PART, () => call && streams.awaitStream(stream, call));
        return stream;
      },
    };
    return wrapped.queryStream;
  });

  patch(prototype, 'createLob', (original) => {
    const wrapped = {
      createLob(this: Connection): unknown {
        const call = guarded(PART, () => {
          use(this, null, 'createLob');
          return streams.askLob(this, wrapped.createLob);
        });
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return calls.run(call ?? null, original, this, arguments);
      },
    };
    return wrapped.createLob;
  });

  for (const operation of OPERATIONS) {
    patch(prototype, operation, (original) => {
      return function operate(this: Connection, statement?: unknown): unknown {
        guarded(PART, () => use(this, statement, operation));
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return Reflect.apply(original, this, arguments);
      };
    });
  }

  patch(prototype, '_transformExecuteResult', (original) => {
    const wrapped = {
      transform(this: Connection, result: object, options?: { resultSet?: boolean }): unknown {
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        const transformed = Reflect.apply(original, this, arguments);
        guarded(PART, () => streams.executed(this, result, options?.resultSet === true, wrapped.transform));
        return transformed;
      },
    };
    return wrapped.transform;
  });
}

/** The text of a statement, in any of the forms that the driver takes; its values are not touched. */
function textOf(statement: unknown): string | null {
  if (typeof statement === 'string') return statement;
  const { statement: text } = (statement ?? {}) as { statement?: unknown };
  return typeof text === 'string' ? text : null;
}
