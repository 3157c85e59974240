/** Where the workers of a run of tests ask for something that is made once for all of them, and only when it is asked for. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Desk<Made> {
  /** What its answers are got from, by `askDesk`. */
  url: string;
  /** Also waits for what is being made: undefined when nobody asked. */
  close(): Promise<Made | undefined>;
}

/** `make` is called at most once; `say` makes its result a text. */
export async function openDesk<Made>(make: () => Promise<Made>, say: (made: Made) => string): Promise<Desk<Made>> {
  let made: Promise<Made> | undefined;
  const server = createServer((_, response) => {
    made ??= make();
    made.then(
      (result) => response.end(say(result)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      return made;
    },
  };
}

/** Throws what `make` threw. */
export async function askDesk(url: string): Promise<string> {
  const answer = await fetch(url);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}
