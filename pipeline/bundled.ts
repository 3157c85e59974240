/** Rules and threat intelligence that come with the pipeline. */
import { fileURLToPath } from 'node:url';

export const BUNDLED_RULES = fileURLToPath(new URL('./rules', import.meta.url));
export const BUNDLED_INTEL = fileURLToPath(new URL('./rules/intel/example.txt', import.meta.url));
