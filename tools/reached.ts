/**
 * What of a built package something can load: its entries, what they import, and the files and folders that the code
 * names beside itself (`new URL('./x', import.meta.url)`, `path.join(__dirname, 'x')`), programs and assets alike. Of a
 * name that is computed the fixed beginning counts, so rather too much is reached than too little; a path without one
 * is not seen.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ESTree, parseSync, Visitor } from 'rolldown/utils';

interface Manifest {
  bin?: Record<string, string>;
  exports?: unknown;
}

interface Reference {
  /** As it is written, or how that begins. */
  text: string;
  isWhole: boolean;
  /** A module must be there; a file may also be looked for and not be there. */
  isModule: boolean;
}

/** The files of the `dist` of a package that nothing loads, relative to its root. Throws when an entry or a module is missing. */
export function unreached(root: string): string[] {
  const built = readdirSync(path.join(root, 'dist'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
  const kept = reached(root, new Set([...built, 'package.json']));
  // a source map stays with its file
  return built.filter((file) => !kept.has(file.replace(/\.map$/, '')));
}

function reached(root: string, present: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  const pending = entriesOf(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')));
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (found.has(file)) continue;
    if (!present.has(file)) throw new Error(`${file} is loaded, and is not there.`);
    found.add(file);
    // says how Node.js is to read the files of its folder
    const manifest = path.join(path.dirname(file), 'package.json');
    if (present.has(manifest)) pending.push(manifest);
    if (!/\.(?:c?js|d\.ts)$/.test(file)) continue;
    for (const reference of referencesOf(file, readFileSync(path.join(root, file), 'utf8'))) {
      pending.push(...targetsOf(file, reference, present));
    }
  }
  return found;
}

function entriesOf({ bin = {}, exports = {} }: Manifest): string[] {
  const strings = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(strings);
  return [bin, exports].flatMap(strings).map((entry) => path.normalize(entry));
}

function targetsOf(from: string, { text, isWhole, isModule }: Reference, present: ReadonlySet<string>): string[] {
  const target = path.join(path.dirname(from), text);
  if (!isWhole || text.endsWith('/')) {
    return [...present].filter((file) => file.startsWith(target) && !/\.(?:d\.ts|map)$/.test(file));
  }
  // declarations name each other's sources
  const file = from.endsWith('.d.ts') ? target.replace(/\.[jt]s$/, '.d.ts') : target;
  return isModule || present.has(file) ? [file] : [];
}

function referencesOf(file: string, source: string): Reference[] {
  const found: Reference[] = [];
  const note = (node: ESTree.Node | null | undefined, isModule: boolean) => {
    const beginning = beginningOf(node);
    if (beginning && !(isModule && !beginning.text.startsWith('.'))) found.push({ ...beginning, isModule });
  };
  new Visitor({
    ImportDeclaration: ({ source }) => note(source, true),
    ExportNamedDeclaration: ({ source }) => note(source, true),
    ExportAllDeclaration: ({ source }) => note(source, true),
    ImportExpression: ({ source }) => note(source, true),
    TSImportType: ({ source }) => note(source, true),
    CallExpression({ callee, arguments: [first, second] }) {
      if (isNamed(callee, 'require')) note(first, true);
      // as the probe's parts are, by what stands in for it
      else if (/^\.{1,2}\/.*\.js$/.test(beginningOf(first)?.text ?? '')) note(first, false);
      if (isNamed(first, '__dirname')) note(second, false);
    },
    NewExpression({ callee, arguments: [first, second] }) {
      if (isNamed(callee, 'URL') && second?.type === 'MemberExpression' && second.object.type === 'MetaProperty') {
        note(first, false);
      }
    },
  }).visit(parseSync(file, source).program);
  return found;
}

function beginningOf(node: ESTree.Node | null | undefined): Pick<Reference, 'text' | 'isWhole'> | null {
  if (node?.type === 'Literal' && typeof node.value === 'string') return { text: node.value, isWhole: true };
  if (node?.type !== 'TemplateLiteral') return null;
  return { text: node.quasis[0]?.value.cooked ?? '', isWhole: node.expressions.length === 0 };
}

function isNamed(node: ESTree.Node | undefined, name: string): boolean {
  return node?.type === 'Identifier' && node.name === name;
}
