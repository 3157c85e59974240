/** A finding as a log record. */

import type { Sites } from '../account/site.ts';
import type { RecordedFinding } from '../recording/format.ts';
import { mask } from '../recording/mask.ts';
import type { FindingRecord } from './snapshot.ts';

export function findingRecord(finding: RecordedFinding, sites: Sites): FindingRecord {
  const {
    kind,
    nature,
    detector,
    certainty,
    count,
    acquired,
    released,
    library,
    pool,
    evidence,
    traces = [],
  } = finding;
  const frame = sites.all[finding.site]?.stack[finding.frame];
  const place = frame ? `${frame.file}:${frame.line}` : 'an unknown place';
  return {
    state: 'found',
    sentence: mask(
      `${count} of ${acquired} (${kind}, ${library}) not given back, taken at ${place}: ${evidence[0] ?? ''}`,
    ),
    certainty,
    attributes: {
      'outlive.kind': kind,
      'outlive.nature': nature,
      'outlive.detector': detector,
      'outlive.certainty': certainty,
      'outlive.library': library,
      'outlive.count': count,
      'outlive.acquired': acquired,
      'outlive.released': released,
      'outlive.evidence': evidence.map((each) => mask(each)),
      ...(pool !== null && { 'db.client.connection.pool.name': mask(pool) }),
      ...(frame && {
        'code.file.path': frame.file,
        'code.line.number': frame.line,
        'code.column.number': frame.column,
        'code.function.name': frame.function,
      }),
      // the record itself can be of one trace only
      ...(traces.length > 1 && { 'outlive.trace_ids': traces.map(({ traceId }) => traceId) }),
    },
    trace: traces[0] ?? null,
  };
}

export function withdrawnRecord(finding: RecordedFinding, sites: Sites): FindingRecord {
  const record = findingRecord(finding, sites);
  return { ...record, state: 'withdrawn', sentence: `No longer so: ${record.sentence}` };
}
