/**
 * The job manager's REST API, in Flink's words. Every error is `{ "error": CODE, "message": SENTENCE }`. Without a token
 * it is for this machine alone; with one every request but the page must bear it.
 */
import { getHeapStatistics } from 'node:v8';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { mustBeAllowed } from './allowed.ts';
import type { Cluster, TaskManagerView } from './cluster.ts';
import type { ClusterEvent } from './events.ts';
import type { JobManager } from './job-manager.ts';
import { STATES } from './job-table.ts';
import { metricsOf } from './metrics.ts';
import { PAGE } from './page.ts';
import { Refused } from './refused.ts';
import { ANY_PROTOCOL } from './registration.ts';
import { refuse, takeTaskManagers } from './take-task-managers.ts';

export interface ApiOptions {
  manager: JobManager;
  cluster: Cluster;
  /** Null: none is asked for. */
  token: string | null;
  /** What was said lately. */
  events?: () => readonly ClusterEvent[];
}

const MOST_BODY_BYTES = 256 * 1024;
/** For a request to come, whole. */
const REQUEST_LIMIT_MS = 30_000;

export function apiOf({ manager, cluster, token, events = () => [] }: ApiOptions): FastifyInstance {
  const api = Fastify({
    bodyLimit: MOST_BODY_BYTES,
    logger: false,
    forceCloseConnections: true,
    requestTimeout: REQUEST_LIMIT_MS,
    clientErrorHandler: (error, socket) => refuse(socket, refusalOf(error)),
    frameworkErrors: answerError,
    // clients that offer HTTP/2 by the way are answered all the same
    http: { shouldUpgradeCallback: ({ headers }) => ANY_PROTOCOL.test(headers.upgrade ?? '') },
  });
  api.removeContentTypeParser('text/plain');
  api.setErrorHandler(answerError);
  api.setNotFoundHandler((request, reply) =>
    answer(reply, 404, 'not-found', `There is no ${request.method} ${request.url.split('?')[0]}.`),
  );
  api.addHook('onRequest', async ({ method, url, headers }) => {
    const isPage = token !== null && method === 'GET' && url === '/';
    if (!isPage) mustBeAllowed(headers, token);
  });
  api.get('/', (_, reply) => reply.type('text/html; charset=utf-8').send(PAGE));
  api.get('/overview', () => overviewOf(manager, cluster));
  api.get('/taskmanagers', () => ({ taskmanagers: cluster.taskManagers.map(taskManagerOf) }));
  api.get('/events', () => ({ events: events() }));
  api.get('/jobs', () => ({
    jobs: manager.jobs().map(({ jobid, name, state, runs, created, ended, error }) => ({
      ...{ id: jobid, jobid, name, status: state, state, runs, created, ended, error },
    })),
  }));
  api.get<{ Params: { id: string } }>('/jobs/:id', ({ params }) => manager.job(params.id));
  api.post('/jobs', async ({ body }, reply) => reply.code(202).send(await manager.submit(body)));
  api.patch<{ Params: { id: string }; Querystring: { mode?: string } }>(
    '/jobs/:id',
    async ({ params, query }, reply) => {
      if (query.mode !== 'cancel') throw new Refused(400, 'bad-request', '"mode" must be cancel.');
      const { jobid } = await manager.cancel(params.id);
      return reply.code(202).send({ jobid });
    },
  );
  takeTaskManagers(api.server, cluster, token);
  return api;
}

function answerError(error: Error & { statusCode?: number; code?: string }, _: FastifyRequest, reply: FastifyReply) {
  if (error instanceof Refused) return answer(reply, error.status, error.code, error.message);
  const [status, code, message] = FASTIFY_ERRORS[error.code ?? ''] ?? [];
  if (status && code && message) return answer(reply, status, code, message);
  if (error.statusCode && error.statusCode < 500)
    return answer(reply, error.statusCode, 'bad-request', 'The request is malformed.');
  return answer(reply, 503, 'unavailable', 'The job manager cannot do this now; its database may be gone.');
}

const FASTIFY_ERRORS: Record<string, [number, string, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'too-large', `The body is larger than ${MOST_BODY_BYTES / 1024} kB.`],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'wrong-content-type', 'Send the body as application/json.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'bad-request', 'The body must be a JSON object.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'bad-request', 'The body is no JSON.'],
};

/** Of what is no request. */
function refusalOf({ code }: { code?: string }): Refused {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Refused(408, 'too-slow', `The request did not come within ${REQUEST_LIMIT_MS / 1000} s.`);
  if (code === 'HPE_HEADER_OVERFLOW') return new Refused(431, 'too-large', 'The headers are too large.');
  return new Refused(400, 'bad-request', 'The request is malformed.');
}

function answer(reply: FastifyReply, status: number, error: string, message: string) {
  if (status === 503) void reply.header('retry-after', '5');
  return reply.code(status).send({ error, message });
}

/** What a person watches over time: of the job manager itself. */
function overviewOf(manager: JobManager, cluster: Cluster) {
  const { taskManagers } = cluster;
  const jobs = manager.jobs();
  return {
    taskmanagers: taskManagers.filter(({ isLost }) => !isLost).length,
    'slots-total': taskManagers.filter(({ isLost }) => !isLost).reduce((sum, { slots }) => sum + slots, 0),
    'slots-available': taskManagers.reduce((sum, { freeSlots }) => sum + freeSlots, 0),
    ...Object.fromEntries(
      STATES.map((name) => [`jobs-${name.toLowerCase()}`, jobs.filter(({ state }) => state === name).length]),
    ),
    'submissions-refused': manager.refused,
    jobmanager: {
      ...{ pid: process.pid, 'uptime-ms': Date.now() - manager.startedAt },
      'heap-limit': getHeapStatistics().heap_size_limit,
      metrics: metricsOf(0),
    },
  };
}

function taskManagerOf({ number, slots, isReady, isLost, silentMs, deaths, ...view }: TaskManagerView) {
  const { host, pid, freeSlots, metrics } = view;
  return {
    id: `taskmanager-${number}`,
    ...{ host, pid, state: isLost ? 'LOST' : isReady ? 'READY' : 'STARTING', slotsNumber: slots, freeSlots },
    ...{ timeSinceLastHeartbeat: silentMs, restarts: deaths, metrics },
  };
}
