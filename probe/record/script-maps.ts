/**
 * The inline maps that V8 has of what runs, by asking its debugger for a moment: of hooks of ES modules and of `eval`
 * (Vite's SSR) there is no other way to see them. It lists every script, so it is only asked at the end of a process.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { inlineMap, type Mapped, readMap } from '../recording/source-map.ts';

interface Parsed {
  params: { url: string; sourceMapURL?: string };
}

/** By file; the latest script of each. Throws where Node.js has no inspector, or is not allowed to use it. */
export function scriptMaps(files: ReadonlySet<string>): Map<string, Mapped> {
  const urls = new Map<string, string>();
  // not every Node.js is built with it
  const { Session } = process.getBuiltinModule('node:inspector');
  const session = new Session();
  session.connect();
  try {
    session.on('Debugger.scriptParsed', ({ params: { url, sourceMapURL } }: Parsed) => {
      const file = url.startsWith('file:') ? fileURLToPath(url) : url;
      if (sourceMapURL && files.has(file)) urls.set(file, sourceMapURL);
    });
    session.post('Debugger.enable');
    session.post('Debugger.disable');
  } finally {
    session.disconnect();
  }
  const maps = new Map<string, Mapped>();
  for (const [file, url] of urls) {
    const json = inlineMap(url);
    const map = json && readMap(json, file);
    if (map) maps.set(file, map);
  }
  return maps;
}

/** Whether what ran as the file, by V8's `hash` of it, is not its `text` on disk; null: not known. */
export function ranAsOther(hash: string | null, file: string, text: string): boolean | null {
  return hash === null || isStripped(file) ? null : hash !== sha256(text.replace(/^\ufeff/, ''));
}

/** Node.js itself takes types away, and leaves everything else where it was. */
function isStripped(file: string): boolean {
  return /\.[cm]?ts$/.test(file) && Boolean((process.features as { typescript?: unknown }).typescript);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
