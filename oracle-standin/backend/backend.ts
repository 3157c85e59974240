/** One backend of PostgreSQL: what stands behind one session. */
import pg from 'pg';
import { SCHEMA } from '../sql/library.ts';
import { offsetText } from '../wire/times.ts';
import { Call, CallFailed, type CallStep, type StepResult } from './call.ts';

export interface BackendOptions {
  url: string;
  /** Also PostgreSQL's application_name. */
  program: string;
  /** Minutes east of UTC. */
  timeZone: number;
  /** What SYS_CONTEXT('USERENV', …) gives, by parameter in lower case. */
  context: Record<string, string>;
}

interface Events {
  on(event: string, listener: (message: never) => void): void;
}

export class Backend {
  readonly #client: pg.Client;
  #active: Call | null = null;
  #status = 'I';
  #ended = false;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** `onLost` is told when PostgreSQL ends it; not after `end()`. */
  static async open(options: BackendOptions, onLost: (error: Error) => void): Promise<Backend> {
    // the sign of a zone's name is POSIX's: west is positive
    const zone = `<${offsetText(options.timeZone)}>${offsetText(-options.timeZone)}`;
    const settings = { ...contextSettings(options.context), TimeZone: zone };
    const client = new pg.Client({
      connectionString: options.url,
      application_name: options.program.slice(0, 63),
      options: [
        `-c search_path=public,${SCHEMA},pg_catalog`,
        ...Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`),
      ].join(' '),
    });
    const backend = new Backend(client);
    const lost = (error: Error) => {
      backend.#active?.ended(error);
      if (backend.#ended) return;
      backend.#ended = true;
      onLost(error);
    };
    client.on('error', lost).on('end', () => lost(gone()));
    const connection = (client as unknown as { connection: Events }).connection;
    connection.on('readyForQuery', ({ status }: { status: string }) => {
      backend.#status = status;
      if (backend.#active?.failed) backend.#active.ended();
    });
    connection.on('parameterDescription', ({ dataTypeIDs }: { dataTypeIDs: number[] }) => {
      backend.#active?.handleParameters(dataTypeIDs);
    });
    connection.on('noData', () => backend.#active?.handleNoData());
    await client.connect();
    return backend;
  }

  get pid(): number {
    return (this.#client as unknown as { processID: number }).processID;
  }

  get inTransaction(): boolean {
    return this.#status !== 'I';
  }

  /** One round trip. Throws `CallFailed`. Not to be called again before it has settled. */
  run(steps: readonly CallStep[]): Promise<StepResult[]> {
    // pg would tell nobody
    if (this.#ended) return Promise.reject(new CallFailed(gone(), 0));
    return new Promise<StepResult[]>((resolve, reject) => {
      const settle = (error: CallFailed | null) => {
        this.#active = null;
        if (error) reject(error);
        else resolve(call.results);
      };
      const call = new Call(steps, settle);
      this.#active = call;
      this.#client.query(call);
    });
  }

  async plain(...texts: string[]): Promise<StepResult[]> {
    return this.run(texts.map((text) => ({ kind: 'plain', text })));
  }

  /** Rolls back what is open. Never throws. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#client.end().catch(() => {});
  }
}

function contextSettings(context: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(context).map(([name, value]) => [`standin.${name}`, value]));
}

/** As PostgreSQL says it to those whom an administrator ends. */
function gone(): Error {
  return Object.assign(new Error('the backend has ended'), { code: '57P01' });
}
