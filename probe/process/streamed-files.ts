/**
 * Whether Node may have streamed a file by itself: for a blob of a file, for an HTTP/2 server's answer, for a web stream
 * of a FileHandle. From then on a snapshot of the heap can crash the process, since Node's account of its memory then
 * follows a pointer to what is gone (Node.js 20 to 26).
 *
 * False positives: HTTP/2 servers that answer with no file. False negatives: what was streamed before the probe came.
 */
import type net from 'node:net';

const HTTP2_SERVERS: ReadonlySet<string> = new Set(['Http2Server', 'Http2SecureServer']);

let isNoted = false;

export function noteStreamedFile(): void {
  isNoted = true;
}

export function noteServer(server: net.Server): void {
  if (isOfHttp2(server)) noteStreamedFile();
}

export function mayHaveStreamedFiles(): boolean {
  // those that a late probe has not seen
  const { _getActiveHandles } = process as unknown as { _getActiveHandles?: () => object[] };
  return isNoted || (_getActiveHandles?.call(process).some(isOfHttp2) ?? false);
}

function isOfHttp2(thing: object): boolean {
  return HTTP2_SERVERS.has(thing.constructor?.name);
}
