/**
 * usage: program.mjs LIBRARY. Does what the library's documentation describes, one thing after the other, and prints what
 * comes of each: a line of JSON of its title and outcome. One that fails although it was not to ends the program.
 */
const [library] = process.argv.slice(2);
const { open, close, documented } = await import(`./${library}.mjs`);

/** As JSON has no words for them. */
function plain(key, value) {
  if (typeof value === 'bigint') return `${value}n`;
  if (value === undefined && key !== '') return 'undefined';
  if (typeof value === 'function') return `function ${value.name}/${value.length}`;
  if (value instanceof Map) return [...value];
  if (value instanceof Error) return shapeOf(value);
  return value;
}

/** Without what differs from run to run. */
function shapeOf({ name, code, message }) {
  return [name, code ?? null, message.replace(/\d{4,}/g, 'N').replace(/conn:-?\d+/g, 'conn')];
}

const context = await open();
for (const [title, work] of Object.entries(documented)) {
  console.log(JSON.stringify([title, (await work(context)) ?? null], plain));
}
await close(context);
process.exit(0);
