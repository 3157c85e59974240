/** Where result sets and LOBs are made, read from and closed, as far as the service sees their classes. */
import { guarded } from '../../../process/lapses.ts';
import { patch } from '../../patch.ts';
import type { Connection } from './driver.ts';
import type { Stream, Streams } from './streams.ts';

const PART = 'oracledb';

interface Class {
  prototype: Record<string, unknown>;
}

/** `tellsResults`: result sets that the service keeps are told by their connection. */
export function patchStreams(ResultSet: Class, Lob: Class, streams: Streams, tellsResults: boolean): void {
  if (!tellsResults) {
    patch(ResultSet.prototype, '_setup', (original) => {
      return function setup(this: Stream, connection: Connection): unknown {
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        const result = Reflect.apply(original, this, arguments);
        guarded(PART, () => streams.madeResultSet(this, connection));
        return result;
      };
    });
  }

  patch(ResultSet.prototype, 'close', (original) => {
    const wrapped = {
      close(this: Stream): unknown {
        guarded(PART, () => streams.closesResultSet(this, wrapped.close));
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return Reflect.apply(original, this, arguments);
      },
    };
    return wrapped.close;
  });

  patch(Lob.prototype, '_setup', (original) => {
    const wrapped = {
      setup(this: Stream, _: object, closesItself?: boolean): unknown {
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        const result = Reflect.apply(original, this, arguments);
        // the others only refer to what is in the database
        if (closesItself === false) guarded(PART, () => streams.createdLob(this, wrapped.setup));
        return result;
      },
    };
    return wrapped.setup;
  });

  const readers: [Class, string[]][] = [
    [ResultSet, ['getRow', 'getRows']],
    [Lob, ['getData', '_serializedRead', '_serializedWrite']],
  ];
  for (const [{ prototype }, methods] of readers) {
    for (const method of methods) {
      patch(prototype, method, (original) => {
        return function read(this: Stream): unknown {
          guarded(PART, () => streams.uses(this));
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return Reflect.apply(original, this, arguments);
        };
      });
    }
  }
}
