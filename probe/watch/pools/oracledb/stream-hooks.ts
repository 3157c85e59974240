/** Where result sets and LOBs are made, read from and closed, as far as the service sees their classes. */
import { around } from '../../../process/around.ts';
import { type Connection, PART } from './driver.ts';
import type { Stream, Streams } from './streams.ts';

interface Class {
  prototype: object;
}

/** `tellsResults`: result sets that the service keeps are told by their connection. */
export function watchStreams(ResultSet: Class, Lob: Class, streams: Streams, tellsResults: boolean): void {
  if (!tellsResults) {
    around<Stream, Connection>(PART, ResultSet.prototype, '_setup', {
      before: (_, connection) => connection as Connection,
      after: (resultSet, _: unknown, connection) => connection && streams.madeResultSet(resultSet, connection),
    });
  }

  around<Stream>(PART, ResultSet.prototype, 'close', {
    before: (resultSet, _, __, wrapper) => streams.closesResultSet(resultSet, wrapper),
  });

  around<Stream, boolean>(PART, Lob.prototype, '_setup', {
    // the others only refer to what is in the database
    before: (_, __, closesItself) => closesItself === false,
    after: (lob, _: unknown, isTemporary, wrapper) => {
      if (isTemporary) streams.createdLob(lob, wrapper);
    },
  });

  const readers: [Class, string[]][] = [
    [ResultSet, ['getRow', 'getRows']],
    [Lob, ['getData', '_serializedRead', '_serializedWrite']],
  ];
  for (const [{ prototype }, methods] of readers) {
    for (const method of methods) {
      around<Stream>(PART, prototype, method, { before: (stream) => streams.uses(stream) });
    }
  }
}
