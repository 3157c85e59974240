/** A database's side of the run on a terminal: a few lines. */
import type { DatabaseReport } from '../../probe/recording/database-report.ts';
import { plural } from '../words.ts';
import { lostLeaseSentence, sessionSentence } from './describe.ts';
import { summaryOf } from './summary.ts';

/** Of each kind of sentence. */
const MOST = 4;

export function databaseLines(server: DatabaseReport): string[] {
  const nobodys = server.sessions.filter(({ holding }) => holding === null);
  const groups = [
    [`${server.name}, ${server.version ?? server.kind}. ${summaryOf(server).join(' ')}`],
    server.notable,
    nobodys.map(sessionSentence),
    server.leasesWithoutSession.map(lostLeaseSentence),
    server.associations.map(({ sentence }) => sentence),
  ];
  return groups.flatMap((group) => {
    const more = group.length - MOST;
    return more > 0 ? [...group.slice(0, MOST), `and ${plural(more, 'more such sentence')} in the HTML report`] : group;
  });
}
