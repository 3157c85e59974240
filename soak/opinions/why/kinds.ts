/** Types of async_hooks, as why-is-node-running names them: which of our kinds each is, or why it is none. */
import type { Kind } from '../../../probe/recording/format.ts';

export const KIND_OF: Readonly<Record<string, Kind>> = {
  Timeout: 'timer',
  TCPWRAP: 'socket',
  PIPEWRAP: 'socket',
  TLSWRAP: 'socket',
  UDPWRAP: 'socket',
  TCPSERVERWRAP: 'server',
  PIPESERVERWRAP: 'server',
  PROCESSWRAP: 'child-process',
  WORKER: 'worker',
  MESSAGEPORT: 'port',
  FSEVENTWRAP: 'watcher',
  STATWATCHER: 'watcher',
  FILEHANDLE: 'stream',
};

const OBJECT = 'An object of Node.js that goes with a handle; by itself it keeps no event loop alive.';
const REQUEST = 'A request under way, which ends by itself and keeps the process alive until then.';

/** Why we name no handle of this type. */
export const NO_HANDLE: Readonly<Record<string, string>> = {
  HTTPINCOMINGMESSAGE: OBJECT,
  HTTPCLIENTREQUEST: OBJECT,
  HTTPSERVERREQUEST: OBJECT,
  ELDHISTOGRAM: OBJECT,
  ZLIB: OBJECT,
  DNSCHANNEL: "Node.js's resolver of names, made once; it keeps the event loop alive only while it asks.",
  Immediate: 'Called in the next turn of the event loop, and gone then.',
  TickObject: 'Called before the event loop turns, and gone then.',
  Microtask: 'Called before the event loop turns, and gone then.',
  TTYWRAP: "The terminal, one of the process's standard streams: Node.js closes it itself.",
  SIGNALWRAP: 'Listens for a signal, which keeps no process alive.',
  GETADDRINFOREQWRAP: REQUEST,
  FSREQCALLBACK: REQUEST,
  FSREQPROMISE: REQUEST,
  TCPCONNECTWRAP: REQUEST,
  PIPECONNECTWRAP: REQUEST,
  SHUTDOWNWRAP: REQUEST,
  WRITEWRAP: REQUEST,
};
