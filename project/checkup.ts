/** What is watched in a project and what is not, with the reason. From its files: nothing of it is run. */
import { ADAPTERS, type AdapterRow, type Package } from '../probe/adapters.ts';
import { isOutside } from '../probe/watch/libraries.ts';
import { knownLibraries } from '../probe/watch/unwatched/known-libraries.ts';
import { planFor } from './configure.ts';
import { dependenciesOf, installedVersion, type Project } from './look.ts';

export interface Row {
  what: string;
  isWatched: boolean;
  /** What is seen of it, or why nothing is. */
  why: string;
}

const SCOPES_FROM = 24;
const ROWS: readonly AdapterRow[] = ADAPTERS;

export function checkUp(project: Project, node: string): Row[] {
  return [...runnersOf(project), ...librariesOf(project), ...nodesOwn(), requestsOn(node)];
}

function runnersOf(project: Project): Row[] {
  if (project.runners.length === 0) {
    const why = 'no test runner was found that can be guarded: node:test, Vitest, Jest, Mocha';
    return [{ what: 'tests', isWatched: false, why }];
  }
  const { done } = planFor(project);
  return project.runners.map((runner) => {
    const isWatched = done.includes(runner);
    const why = isWatched ? 'a test that leaks fails' : 'its guard is not in its configuration: npx outlive init';
    return { what: `tests of ${runner}`, isWatched, why };
  });
}

function librariesOf({ folder, manifest }: Project): Row[] {
  const packages = ROWS.flatMap((row) => {
    return 'packages' in row.of ? row.of.packages.map((each) => ({ each, sees: row.sees })) : [];
  });
  const isOfAdapter = (name: string) => packages.some(({ each }) => each.name === name);
  const watched = packages.flatMap(({ each, sees }) => {
    const version = installedVersion(folder, each.name);
    return version === null ? [] : [rowOf(each, version, sees)];
  });
  const known = knownLibraries();
  const others = dependenciesOf(manifest).filter((name) => known.has(name) && !isOfAdapter(name));
  return [
    ...watched,
    ...others.map((name) => {
      return { what: name, isWatched: false, why: `it holds ${known.get(name)}, and there is no adapter for it` };
    }),
  ];
}

function rowOf({ name, from, below }: Package, version: string, sees: string): Row {
  const isWatched = !isOutside(version, { from, below });
  const why = isWatched ? sees : `it is known from ${from} on and below ${below}; it is tried, and may not be seen`;
  return { what: `${name} ${version}`, isWatched, why };
}

function nodesOwn(): Row[] {
  const rows = ROWS.filter(({ of }) => !('packages' in of));
  return rows.map(({ name, sees }) => ({ what: name, isWatched: true, why: sees }));
}

function requestsOn(node: string): Row {
  const isWatched = Number.parseInt(node.replace(/^v/, ''), 10) >= SCOPES_FROM;
  const why = isWatched
    ? `each is a scope by itself (Node.js ${node})`
    : `on Node.js ${node} they cost more, and are scopes under outlive run, or with OUTLIVE_SCOPES=on; from Node.js ${SCOPES_FROM} on always`;
  return { what: 'requests', isWatched, why };
}
