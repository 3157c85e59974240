/** Where Clinic is installed: in the project, or where the PATH leads. */
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export const CLINIC_TOOLS = ['doctor', 'bubbleprof', 'flame', 'heapprofiler'] as const;
export type ClinicTool = (typeof CLINIC_TOOLS)[number];

export interface Clinic {
  /** Its command, a script for Node.js. */
  script: string;
  version: string;
}

/** Null: nowhere. */
export function findClinic(cwd: string = process.cwd(), search: string = process.env.PATH ?? ''): Clinic | null {
  return inProject(cwd) ?? onPath(search);
}

function inProject(cwd: string): Clinic | null {
  try {
    return clinicOf(createRequire(path.join(cwd, 'package.json')).resolve('clinic/package.json'));
  } catch {
    return null;
  }
}

function onPath(search: string): Clinic | null {
  for (const folder of search.split(path.delimiter)) {
    try {
      // a link to its script, which lies beside its package.json
      return clinicOf(path.join(path.dirname(realpathSync(path.join(folder, 'clinic'))), 'package.json'));
    } catch {
      // not there
    }
  }
  return null;
}

function clinicOf(manifest: string): Clinic | null {
  const { name, version, bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return name === 'clinic' ? { script: path.resolve(path.dirname(manifest), bin.clinic ?? bin), version } : null;
}
