/**
 * As much of the Model Context Protocol as a server of tools needs: JSON-RPC 2.0, a message a line, on stdin and stdout
 * (https://modelcontextprotocol.io/specification). What is no message is answered with an error, and ends nothing.
 */
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { UserError } from '../user-error.ts';

/** Newest first; a client that asks for another one is offered the newest. */
const VERSIONS = ['2025-06-18', '2025-03-26', '2024-11-05'] as const;

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const NO_SUCH_METHOD = -32_601;
const INVALID_PARAMS = -32_602;

export interface Tool {
  name: string;
  description: string;
  /** A JSON Schema of an object. */
  inputSchema: { type: 'object'; properties: Record<string, object>; required?: readonly string[] };
  /** Gives text. Throws `UserError` with what is wrong, which is told to the model. */
  call(given: Readonly<Record<string, unknown>>): string;
}

export interface Server {
  name: string;
  version: string;
  instructions: string;
  tools: readonly Tool[];
}

type Params = Record<string, unknown>;
interface Request {
  id?: unknown;
  method?: unknown;
  params?: unknown;
}
type Answer = { result: unknown } | { error: { code: number; message: string } };

/** Until the input ends. */
export async function serve(server: Server, input: Readable, output: Writable): Promise<void> {
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue;
    const answer = answerTo(server, line);
    if (answer !== null) output.write(`${JSON.stringify({ jsonrpc: '2.0', ...answer })}\n`);
  }
}

/** Null: a notification, which nobody answers. */
export function answerTo(server: Server, line: string): ({ id: unknown } & Answer) | null {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return { id: null, ...failed(PARSE_ERROR, 'That is no JSON.') };
  }
  if (!isObject(message)) return { id: null, ...failed(INVALID_REQUEST, 'A message is an object.') };
  const { id, method, params } = message as Request;
  // an answer to something we never asked
  if (typeof method !== 'string') {
    return 'result' in message || 'error' in message
      ? null
      : { id: id ?? null, ...failed(INVALID_REQUEST, 'It has no method.') };
  }
  if (id === undefined) return null;
  const handle = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  return {
    id,
    ...(handle?.(server, isObject(params) ? params : {}) ?? failed(NO_SUCH_METHOD, `No method ${method}.`)),
  };
}

const METHODS: Record<string, (server: Server, params: Params) => Answer> = {
  initialize: ({ name, version, instructions }, { protocolVersion }) => ({
    result: {
      protocolVersion: VERSIONS.find((each) => each === protocolVersion) ?? VERSIONS[0],
      capabilities: { tools: {} },
      serverInfo: { name, version },
      instructions,
    },
  }),
  ping: () => ({ result: {} }),
  'tools/list': ({ tools }) => ({ result: { tools: tools.map(({ call: _, ...tool }) => tool) } }),
  'tools/call': ({ tools }, { name, arguments: given }) => {
    const tool = tools.find((each) => each.name === name);
    if (!tool) return failed(INVALID_PARAMS, `There is no tool ${name}.`);
    try {
      return said(tool.call(isObject(given) ? given : {}), false);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return said(error.message, true);
    }
  },
};

function said(text: string, isError: boolean): Answer {
  return { result: { content: [{ type: 'text', text }], isError } };
}

function failed(code: number, message: string): Answer {
  return { error: { code, message } };
}

function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
