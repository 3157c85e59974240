/** What the service does with a connection: use it, open streams on it, give it back. */
import { around, type Method } from '../../../process/around.ts';
import { guarded } from '../../../process/lapses.ts';
import type { Desk } from '../../desk.ts';
import type { Call, Calls } from './calls.ts';
import { type Connection, isClosing, PART } from './driver.ts';
import type { Leases } from './leases.ts';
import { endsSession, type Result, type Streams } from './streams.ts';

/** Operations that only show that it is in use. */
const OPERATIONS = ['executeMany', 'runPipeline', 'commit', 'rollback', 'ping'];

export interface ConnectionParts {
  desk: Desk;
  calls: Calls;
  leases: Leases;
  streams: Streams;
}

export function watchConnections(prototype: object, { desk, calls, leases, streams }: ConnectionParts): void {
  const { flows } = desk;
  const use = (connection: Connection, statement: unknown, operation: string): undefined => {
    const lease = leases.of(connection);
    if (lease) desk.use(lease, textOf(statement) ?? operation);
  };
  const giveBack = (connection: Connection, args: IArguments, wrapper: Method): void => {
    const lease = leases.of(connection);
    if (!lease || !isClosing(connection, args)) return;
    streams.leaseCloses(lease, endsSession(connection, args));
    desk.close(lease, wrapper);
  };
  const askExecute = (args: IArguments, wrapper: Method): Call | null => streams.askExecute(args, wrapper);

  around<Connection, Method>(PART, prototype, ['close', 'release'], {
    before: (_, __, ___, wrapper) => wrapper,
    callback: (callback) => flows.bind(callback, flows.current()),
    call: (method, connection, args, wrapper) => {
      if (wrapper) guarded(PART, giveBack, connection, args, wrapper);
      return flows.shed(method, connection, args);
    },
  });

  around<Connection, Method>(PART, prototype, 'execute', {
    before: (connection, statement, _, wrapper) => {
      use(connection, statement, 'execute');
      return wrapper;
    },
    call: (method, connection, args, wrapper) => {
      const call = wrapper && guarded(PART, askExecute, args, wrapper);
      return calls.run(call ?? null, method, connection, args);
    },
  });

  around<Connection, Call>(PART, prototype, 'queryStream', {
    before: (connection, statement, _, wrapper) => {
      use(connection, statement, 'queryStream');
      return streams.ask('query stream', wrapper);
    },
    call: (method, connection, args, call) => calls.run(call ?? null, method, connection, args),
    after: (_, stream: object, call) => call && streams.awaitStream(stream, call),
  });

  around<Connection, Call | null>(PART, prototype, 'createLob', {
    before: (connection, _, __, wrapper) => {
      use(connection, null, 'createLob');
      return streams.askLob(connection, wrapper);
    },
    call: (method, connection, args, call) => calls.run(call ?? null, method, connection, args),
  });

  for (const operation of OPERATIONS) {
    around<Connection>(PART, prototype, operation, {
      before: (connection, statement) => use(connection, statement, operation),
    });
  }
}

/** False: this version of the driver does not tell what the service gets to keep of a result. */
export function watchResults(prototype: object, streams: Streams): boolean {
  return around<Connection, { result: unknown; options: unknown }>(PART, prototype, '_transformExecuteResult', {
    before: (_, result, options) => ({ result, options }),
    after: (connection, _: unknown, asked, wrapper) => {
      if (!asked) return;
      const { resultSet } = (asked.options ?? {}) as { resultSet?: unknown };
      streams.executed(connection, asked.result as Result, resultSet === true, wrapper);
    },
  });
}

/** The text of a statement, in any of the forms that the driver takes; its values are not touched. */
function textOf(statement: unknown): string | null {
  if (typeof statement === 'string') return statement;
  const { statement: text } = (statement ?? {}) as { statement?: unknown };
  return typeof text === 'string' ? text : null;
}
