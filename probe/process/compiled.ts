/**
 * The probe's files as V8 has compiled them, kept beside them in `compiled/`: a start that finds them takes a third less
 * time. The first process that ends makes them, where the folder can be written; whoever could plant one there could
 * change the files themselves, and nobody else can, whatever the process's umask. V8 refuses what was made with other
 * flags, but not what another build of the same V8 made, which ends the process: each executable has files of its own.
 * The time of a file tells what belongs to an older one. What the disk has damaged would end the process as well, so all
 * of it is there twice and compared. As with Node's own cache, `NODE_DISABLE_COMPILE_CACHE` turns it off.
 */
import fs from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import vm from 'node:vm';

/** Taken before they are watched, or put out of use by a test. */
const { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = fs;
const { Script } = vm;

type Wrapper = (exports: object, require: unknown, module: object, file: string, folder: string) => void;

/** Each set of flags has files of its own, and some people change theirs with each start. */
const MOST_FILES = 100;
/** Before what V8 has made: when the file that it was made of was changed, milliseconds since 1970, as a double. */
const STAMP_BYTES = 8;

/** Null: none is read or made. */
const executable = process.env.NODE_DISABLE_COMPILE_CACHE === undefined ? executableHere() : null;
/** What was compiled here because there was none: it is kept with all that has been run of it by the end. */
let made: { script: vm.Script; kept: string; stamp: number }[] = [];

/** `folder`: the probe's, in which `file` lies, built as a function (build.mjs). Throws as `readFileSync` does. */
export function compile(file: string, folder: string): Wrapper {
  // before it is read: of one that is replaced meanwhile, the new text with the old time is refused later on
  const stamp = statSync(file).mtimeMs;
  const code = readFileSync(file, 'utf8');
  if (executable === null) return new Script(code, { filename: file }).runInThisContext();
  const kept = `${folder}${path.sep}compiled${path.sep}${nameOf(file.slice(folder.length + 1))}`;
  const cachedData = read(kept, stamp);
  const script = new Script(code, { filename: file, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) made.push({ script, kept, stamp });
  return script.runInThisContext();
}

function nameOf(file: string): string {
  return `${file.split(path.sep).join('-')}.${executable}-${v8.cachedDataVersionTag().toString(16)}`;
}

/** V8's own tag is the same for all releases of Node.js 20, whose compiled code is not. */
function executableHere(): string | null {
  try {
    const { size, mtimeMs } = statSync(process.execPath);
    return [process.version, process.arch, size.toString(36), Math.trunc(mtimeMs).toString(36)].join('-');
  } catch {
    return null;
  }
}

function read(kept: string, stamp: number): Buffer | undefined {
  try {
    const bytes = readFileSync(kept);
    const middle = (STAMP_BYTES + bytes.length) / 2;
    const isWhole = bytes.compare(bytes, middle, bytes.length, STAMP_BYTES, middle) === 0;
    return isWhole && bytes.readDoubleLE(0) === stamp ? bytes.subarray(STAMP_BYTES, middle) : undefined;
  } catch {
    return undefined;
  }
}

/** At the end: what others need not compile any more. Where it cannot be written, they do. */
export function keepCompiled(): void {
  const [first] = made;
  if (first === undefined) return;
  try {
    const folder = path.dirname(first.kept);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    if (readdirSync(folder).length < MOST_FILES) for (const one of made) keep(one);
  } catch {
    // a folder that is another user's, or read-only
  }
  made = [];
}

/** Whoever reads it reads all of it. */
function keep({ script, kept, stamp }: (typeof made)[number]): void {
  const head = Buffer.alloc(STAMP_BYTES);
  head.writeDoubleLE(stamp);
  const data = script.createCachedData();
  const temporary = `${kept}-${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}`;
  try {
    writeFileSync(temporary, Buffer.concat([head, data, data]), { flag: 'wx', mode: 0o644 });
    renameSync(temporary, kept);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
