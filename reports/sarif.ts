/** SARIF 2.1.0: findings where code scanning shows them, at their lines. */
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { suggestFix } from '../probe/recording/fix.ts';
import type { Certainty, Detector, Frame } from '../probe/recording/format.ts';
import { lineOf } from '../probe/recording/place.ts';
import type { Finding, Report } from '../probe/recording/report.ts';
import { advice } from './advice.ts';
import type { Comparison } from './compare.ts';
import { DETECTOR_MEANS, evidence, place, subject, tally } from './finding-words.ts';
import { gaps, verdictSentence } from './verdict.ts';
import { pathFrom } from './words.ts';

const LEVELS: Record<Certainty, 'error' | 'warning'> = { proven: 'error', likely: 'error', suspect: 'warning' };

/** `root` is the folder that paths are relative to. With a comparison each result says whether it is new. */
export function renderSarif(report: Report, root: string, comparison: Comparison | null): string {
  const added = new Set(comparison?.added.map(({ id }) => id));
  const stateOf = (finding: Finding) => (comparison ? (added.has(finding.id) ? 'new' : 'unchanged') : null);
  const detectors = [...new Set(report.findings.map(({ detector }) => detector))];
  const fixed = comparison?.fixed ?? [];
  for (const { detector } of fixed) if (!detectors.includes(detector)) detectors.push(detector);
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'outlive', version: version(), rules: detectors.map((detector) => rule(detector)) },
        },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: gaps(report).map((text, i) => ({
              level: i < report.unseen.length ? 'warning' : 'note',
              message: { text },
            })),
          },
        ],
        properties: { verdict: verdictSentence(report) },
        results: [
          ...report.findings.map((finding) => result(finding, detectors, root, stateOf(finding))),
          ...fixed.map((finding) => result(finding, detectors, root, 'absent')),
        ],
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function version(): string {
  return (createRequire(import.meta.url)('outlive/package.json') as { version: string }).version;
}

function rule(detector: Detector) {
  return { id: detector, shortDescription: { text: DETECTOR_MEANS[detector] } };
}

function result(finding: Finding, detectors: Detector[], root: string, baselineState: string | null) {
  const { site, detector, certainty, excerpt } = finding;
  const sentences = [...evidence(finding).first, advice(finding)].map((text) => text.replace(/\.?$/, '.'));
  const text = `${subject(finding)}, ${certainty}: ${tally(finding)}. ${sentences.join(' ')}`;
  const snippet = site && lineOf(excerpt, site.line);
  return {
    ruleId: detector,
    ruleIndex: detectors.indexOf(detector),
    level: LEVELS[certainty],
    ...(baselineState && { baselineState }),
    message: { text },
    locations: site ? [location(site, root, snippet || null)] : [],
    relatedLocations: finding.callers.map(({ site }, id) => ({
      id,
      ...location(site, root, null),
      message: { text: `called by ${place({ site })}` },
    })),
    ...(finding.stack.length > 0 && { stacks: [{ frames: finding.stack.map((frame) => stackFrame(frame, root)) }] }),
    ...fixes(finding, root),
    partialFingerprints: { 'outlive/v1': finding.id },
    occurrenceCount: Math.max(1, finding.count),
    properties: { certainty, acquired: finding.acquired, released: finding.released, estimated: finding.estimated },
  };
}

function fixes(finding: Finding, root: string) {
  const fix = suggestFix(finding);
  if (!fix || !finding.site) return {};
  const { after, before, now } = fix;
  const replacement = {
    deletedRegion: { startLine: after + 1, startColumn: 1, endLine: after + 1 + before.length, endColumn: 1 },
    insertedContent: { text: `${now.join('\n')}\n` },
  };
  const artifactChanges = [{ artifactLocation: artifact(finding.site.file, root), replacements: [replacement] }];
  return { fixes: [{ description: { text: advice(finding) }, artifactChanges }] };
}

type Position = Pick<Frame, 'file' | 'line' | 'column' | 'function'>;

function location({ file, line, column, function: name }: Position, root: string, snippet: string | null) {
  return {
    physicalLocation: {
      artifactLocation: artifact(file, root),
      region: {
        startLine: Math.max(1, line),
        startColumn: Math.max(1, column),
        ...(snippet !== null && { snippet: { text: snippet } }),
      },
    },
    ...(name && { logicalLocations: [{ name, kind: 'function' }] }),
  };
}

function stackFrame(frame: Frame, root: string) {
  return { location: location(frame, root, null) };
}

/** Relative to the root of the sources where it lies in there, else a URI of its own. */
function artifact(file: string, root: string): { uri: string; uriBaseId?: string } {
  const path = pathFrom(root, file)
    .replaceAll('\\', '/')
    .replace(/\p{Surrogate}/gu, '\ufffd');
  const uri = path.split('/').map(encodeURIComponent).join('/');
  if (file.startsWith('node:')) return { uri: file };
  return isAbsolute(path) || /^[A-Za-z]:/.test(path)
    ? { uri: `file://${uri.replace('%3A', ':')}` }
    : { uri, uriBaseId: 'SRCROOT' };
}
