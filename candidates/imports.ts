/** The names by which a file has a module, and a function of it: `import` and `require`. */
import { bare, isNamed, isNode, type Node, within } from './syntax.ts';

export interface Names {
  /** That stand for the whole module. */
  modules: ReadonlySet<string>;
  /** That stand for the function. */
  functions: ReadonlySet<string>;
}

/** `fs.promises` is a module too: `promises` of `fs` stands for `fs/promises`. */
export function namesOf(program: Node, modules: readonly string[], name: string): Names {
  const pairs = [...within(program)].flatMap((node) => [...imported(node), ...required(node)]);
  const ofModule = pairs.filter(({ from, what }) =>
    modules.includes(`${from}${what === 'promises' ? '/promises' : ''}`),
  );
  return {
    modules: new Set(ofModule.filter(({ what }) => what !== name).map(({ local }) => local)),
    functions: new Set(ofModule.filter(({ what }) => what === name).map(({ local }) => local)),
  };
}

interface Pair {
  from: string;
  /** Its name in the module; '' for the whole. */
  what: string;
  local: string;
}

function imported(node: Node): Pair[] {
  if (node.type !== 'ImportDeclaration') return [];
  const from = String((node.source as Node).value);
  return (node.specifiers as Node[]).map(({ imported, local }) => {
    const what = isNode(imported) && imported.name !== 'default' ? String(imported.name) : '';
    return { from, what, local: String((local as Node).name) };
  });
}

/** `const fs = require('fs')`, `const { open } = require('fs/promises')`, `const fs = require('fs').promises`. */
function required(node: Node): Pair[] {
  if (node.type !== 'VariableDeclarator' || !isNode(node.init)) return [];
  const init = bare(node.init);
  const isPart = init.type === 'MemberExpression';
  const call = isPart ? bare(init.object as Node) : init;
  if (call.type !== 'CallExpression' || !isNamed(call.callee, 'require')) return [];
  const from = String((call.arguments as Node[])[0]?.value);
  const what = isPart ? String((init.property as Node).name) : '';
  const id = node.id as Node;
  if (id.type === 'Identifier') return [{ from, what, local: String(id.name) }];
  return ((id.properties ?? []) as Node[]).flatMap(({ key, value }) =>
    isNode(key) && isNode(value) ? [{ from, what: String(key.name), local: String(value.name) }] : [],
  );
}
