/** What is compared: the same program bare, under the probe in its two modes, and under another tool. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('..', import.meta.url));
const OTHER = path.join(ROOT, 'bench/workloads/why-is-node-running.ts');

export interface Variant {
  name: 'bare' | 'control' | 'production' | 'soak' | 'why-is-node-running';
  /** Node's options. */
  preload: string[];
  env: Record<string, string>;
}

/** The first is what all others are compared with; `control` is the same once more. `probe`: folder of the built probe. */
export function variantsOf(probe: string): Variant[] {
  const preload = ['--require', path.join(probe, 'register.js')];
  return [
    { name: 'bare', preload: [], env: {} },
    { name: 'control', preload: [], env: {} },
    { name: 'production', preload, env: { OUTLIVE_MODE: 'production' } },
    { name: 'soak', preload, env: { OUTLIVE_MODE: 'soak' } },
    { name: 'why-is-node-running', preload: ['--import', OTHER], env: {} },
  ];
}
