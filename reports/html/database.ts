/** The database's side: what the server saw, each session with its lease, and what stood out. */
import type { DatabaseReport, JoinedSession } from '../../probe/recording/database-report.ts';
import { activityOf, lostLeaseSentence, whoHas } from '../database/describe.ts';
import { summaryOf } from '../database/summary.ts';
import { duration, number, pathFrom, plural } from '../words.ts';
import { html, type Markup } from './html.ts';
import type { PageContext } from './page-context.ts';
import type { Seconds, TrackGroup, TrackLine } from './tracks.ts';

/** Rows beyond these are left to report.json; tables longer than the second number start closed. */
const ROWS = { most: 200, open: 15 };

export function databaseSection({ report, cwd }: PageContext): Markup | null {
  const servers = report.database?.servers ?? [];
  if (servers.length === 0) return null;
  return html`<section class="tables database" aria-labelledby="database"><h2 id="database">The database’s side</h2>
${servers.map((server) => oneServer(server, cwd))}</section>`;
}

function oneServer(server: DatabaseReport, cwd: string): Markup {
  const lost = server.leasesWithoutSession.map(lostLeaseSentence);
  return html`<h3>${server.name} · ${server.version ?? server.kind} at ${server.address ?? 'an unknown address'}</h3>
${list(summaryOf(server))}
${server.notable.length > 0 && html`<h4>What stood out</h4>${list(server.notable)}`}
${lost.length > 0 && html`<h4>Leases without a session</h4>${list(lost)}`}
${sessions(server, cwd)}
<h4>What moved together</h4>
${
  server.associations.length > 0
    ? html`${list(server.associations.map(({ sentence }) => sentence))}<p>That two metrics moved together in one run does not say which moved which, or whether something else moved both.</p>`
    : html`<p>${server.associationsUnknown ? `Not looked for: ${server.associationsUnknown}.` : 'No metric of the application moved with one of the database’s more than chance explains.'}</p>`
}`;
}

function list(sentences: readonly string[]): Markup {
  return html`<ul>${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
}

function sessions({ name, sessions, sessionsAt }: DatabaseReport, cwd: string): Markup | null {
  if (sessions.length === 0 || sessionsAt === null) return null;
  const caption = `Sessions of ${name} and who held them, at ${sessionsAt.slice(11, 19)} UTC`;
  const more = sessions.length - ROWS.most;
  const table = html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr><th scope="col" class="text">session</th><th scope="col" class="text">state</th><th scope="col" class="numeric">in transaction</th><th scope="col" class="text">statement</th><th scope="col" class="text">lease</th><th scope="col" class="numeric">lent for</th></tr></thead>
<tbody>${sessions.slice(0, ROWS.most).map((session) => row(session, cwd))}</tbody></table></div>
${more > 0 && html`<p class="more">and ${number(more)} more</p>`}`;
  if (sessions.length <= ROWS.open) return table;
  return html`<details class="long"><summary>${caption} <small>${plural(sessions.length, 'row')}</small></summary>${table}</details>`;
}

function row(session: JoinedSession, cwd: string): Markup {
  const { id, transactionMs, blockedBy, statement, holding } = session;
  const site = holding?.site;
  const path = site ? `${pathFrom(cwd, site.file)}:${site.line}` : '';
  // the sentence has the file's name already
  const place = path.includes('/') ? path : '';
  return html`<tr><td class="text">${id}</td><td class="text">${activityOf(session)}${blockedBy.length > 0 && ` (blocked by ${blockedBy.join(', ')})`}</td><td class="numeric">${transactionMs === null ? '–' : duration(transactionMs)}</td><td class="text"><code>${statement ?? '–'}</code></td><td class="text">${whoHas(session)}${place && html` <code>${place}</code>`}</td><td class="numeric">${holding?.ageMs == null ? '–' : duration(holding.ageMs)}</td></tr>`;
}

/** The server's metrics, below those of the processes, on their time axis. */
export function databaseTracks({ report, recordings }: PageContext, seconds: Seconds): TrackGroup | null {
  const [server] = report.database?.servers ?? [];
  const [first] = recordings;
  if (!server || !first) return null;
  const { over } = server;
  const line = (label: string, values: readonly (number | null)[], scale = 1): TrackLine => ({
    label,
    points: over.at.flatMap((at, i) => {
      const value = values[i];
      const second = seconds(first, at - first.process.startedMs);
      return value == null || second < 0 ? [] : [[second, Math.round(value * scale * 10) / 10] as const];
    }),
  });
  const limit = server.maxSessions ?? 0;
  const most = Math.max(0, ...over.sessions);
  return {
    name: `Database ${server.name}`,
    tracks: [
      {
        title: 'Sessions',
        unit: '',
        // a limit far above would flatten the lines
        limit: limit > 0 && most * 4 >= limit ? limit : 0,
        lines: [
          line('all', over.sessions),
          line('active', over.active),
          line('idle in transaction', over.idleInTransaction),
          line('wait for a lock', over.waitingForLocks),
        ],
      },
      { title: 'Transactions', unit: '/s', limit: 0, lines: [line('ended', over.transactionsPerSecond)] },
      { title: 'Server CPU', unit: '%', limit: 0, lines: [line('of one processor', over.cpu, 100)] },
      { title: 'Server memory', unit: 'MB', limit: 0, lines: [line('not shared', over.memoryBytes, 1e-6)] },
    ],
    omitted: [],
  };
}
