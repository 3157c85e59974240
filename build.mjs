// Compiles to dist/, puts beside the code what it reads at run time, and takes away what nothing loads.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'rolldown';
import { unreached } from './tools/reached.ts';

// The sources are not published, so maps that lead to them are not either: what is published is readable as it is.
const isPublished = ['pack', 'publish'].includes(process.env.npm_command);
const withoutMaps = ['--sourceMap', 'false', '--inlineSources', 'false'];

rmSync('dist', { recursive: true, force: true });
const tsc = spawnSync('tsc', ['-p', 'tsconfig.build.json', ...(isPublished ? withoutMaps : [])], { stdio: 'inherit' });
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

// One file for what every process needs, and one for each part that few do: finding, reading and compiling some fifty is
// most of what a preload costs at start. The shorter, the quicker; their lines stay lines, since Node.js prints the one
// that an uncaught error comes from.
const MODULES = [...readFileSync('probe/watch/adapter-modules.ts', 'utf8').matchAll(/load\('\.\/(.+?)\.js'\)/g)].map(
  ([, name]) => name,
);
const LOADER = 'process/on-demand';
const PARTS = [
  LOADER,
  'judge/judge',
  'control/control',
  'control/inject/start',
  'tests',
  'telemetry/telemetry',
  'record/source-lines',
  'recording/read-recording',
  'attach/visit',
  'notify/notifier',
  'record/active-handles',
  'proof/heap-snapshot',
  'proof/on-signal',
  'watch/unwatched/connects',
  'watch/unwatched/bundles',
  'watch/pools/published',
  'watch/growth',
  'watch/handles/sqlite',
  ...MODULES,
];
const REPORT = 'recording/build-report';
const GUARDS = ['core', 'node-test', 'mocha', 'jest', 'guard', 'remove-after'];
// … and V8 keeps a file of ASCII alone in half the memory.
const ascii = {
  name: 'ascii',
  generateBundle(_, files) {
    const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    for (const file of Object.values(files)) {
      // anywhere else than in a plain string it would say something else
      if (/\\[^\0-\x7f]|String\.raw/.test(file.code ?? '')) throw new Error(`${file.fileName} cannot be put in ASCII.`);
      file.code = file.code?.replace(/[^\0-\x7f]/g, escaped);
    }
  },
};
// What is loaded by process/on-demand.ts is a function already: to put one around it copies it at each start. Any other
// loader runs it.
const WHOLE = 'exports, require, module, __filename, __dirname';
const asFunction = {
  name: 'as-function',
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.fileName === `${LOADER}.js`) continue;
      const head = `(this === globalThis ? (run) => run : (run) => run(${WHOLE}))((function (${WHOLE}) { `;
      file.code = `${head}${file.code}\n}));\n`;
    }
  },
};
// … and the default of a builtin is the builtin itself: made as of any CommonJS module, it would be a copy with a getter
// for each of its properties.
const builtins = {
  name: 'builtins',
  transform: (code) =>
    code.replace(
      /^import (\w+)(?:, (\{[^}]*\}))? from '(node:[\w/]+)';$/gm,
      (_, name, named, id) =>
        `const ${name} = require('${id}');${named === undefined ? '' : ` import ${named} from '${id}';`}`,
    ),
};
const bundle = (input, output, { room = 'probe', plugins = [] } = {}) =>
  build({
    preserveEntrySignatures: 'allow-extension',
    input: Object.fromEntries(input.map((name) => [name, `${room}/${name}.ts`])),
    platform: 'node',
    // whatever the source asks for by its name in the build
    external: /^\.\.?\/.*\.js$/,
    logLevel: 'warn',
    plugins: [ascii, builtins, ...plugins],
    output: {
      dir: `dist/${room}`,
      format: 'cjs',
      strict: true,
      comments: false,
      minify: { compress: true, mangle: true, codegen: { removeWhitespace: false } },
      ...output,
    },
  });
// the parts use the probe's own copy of what they share
const APART = [
  /attach[\\/]/,
  /control[\\/]/,
  /tests\./,
  /telemetry[\\/](?!wanted)/,
  /watch[\\/](?:pools|clients|sessions|growth)/,
  /watch[\\/]handles[\\/]sqlite/,
  /notify[\\/]/,
  /proof[\\/](?:heap-snapshot|heapdump|on-signal)/,
  /process[\\/]free-memory/,
  /watch[\\/]unwatched[\\/](?:connects|bundles)/,
  /judge[\\/](?!blame|enclosing)/,
  /record[\\/](?:source-lines|script-maps|active-handles)/,
  // … of the recording all but what writes one, and the report of a run that left nothing to tell
  /recording[\\/](?!(?:natures|format|host|kept-entries|writer|own|folder|snapshot-names|mask|secrets|source-map|readable|quiet-report|assemble|ending|missing|fold|owner|draft|check|bounded)\.)/,
];
const isCore = (id) => !APART.some((pattern) => new RegExp(`\\bprobe[\\\\/]${pattern.source}`).test(id));
// … and those of pools, and of clients, one copy of what lies beside them
const isBeside = (room) => (id) => {
  const [, name] = new RegExp(`\\bprobe[\\\\/](watch[\\\\/]${room}[\\\\/][\\w-]+)\\.ts$`).exec(id) ?? [];
  return name !== undefined && !PARTS.includes(name.replaceAll('\\', '/'));
};
const codeSplitting = {
  groups: [
    // what Node's own loader loads, to load the others: alone, so that the preload finds it
    { name: LOADER, test: /\bprobe[\\/]process[\\/](?:on-demand|compiled)\.ts$/, priority: 1 },
    { name: 'probe', test: isCore },
    { name: 'judge/common', test: /\bprobe[\\/]judge\b/ },
    {
      name: 'watch/pools/common',
      test: (id) => isBeside('pools')(id) || /\bprobe[\\/]watch[\\/]sessions\b/.test(id),
    },
    { name: 'watch/clients/common', test: isBeside('clients') },
  ],
};
await bundle(['probe', ...PARTS], { minifyInternalExports: false, codeSplitting }, { plugins: [asFunction] });
await bundle(['register'], {});
// has no state to share, and is what the command line uses too
await bundle([REPORT], {}, { plugins: [asFunction] });
// preloads too, and of what the reports know they need a little
await bundle(GUARDS, {}, { room: 'guards' });
await bundle(['leaks'], {}, { room: 'guards' });
for (const name of [...GUARDS, 'leaks']) rmSync(`dist/guards/${name}.js.map`, { force: true });
for (const name of ['register', 'probe', ...PARTS, REPORT]) rmSync(`dist/probe/${name}.js.map`, { force: true });

const assets = [
  'guards/package.json',
  'guards/vitest/package.json',
  'probe/package.json', // the preload is CommonJS: it must not start Node's ES module loader in the user's program
  'probe/recording/report.schema.json',
  'pipeline/rules',
  'reports/html/assets',
];
for (const asset of assets) cpSync(asset, `dist/${asset}`, { recursive: true });
for (const file of ['dist/uPlot.iife.min.js', 'dist/uPlot.min.css']) {
  cpSync(`node_modules/uplot/${file}`, file.replace('dist/', 'dist/reports/html/assets/'));
}
chmodSync('dist/cli/main.js', 0o755);

for (const file of unreached('.')) rmSync(file);
