/** Secrets never reach a recording: whatever text of the service is written passes through here. */

const RULES: readonly [RegExp, string][] = [
  // credentials in a URL or connection string: scheme://user:password@host
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@'"]+@/gi, '$1***@'],
  // easy connect of Oracle: user/password@host
  [/\b[\w$#]+\/[^\s/@'"]+@(?=[\w.-]+(?::\d+)?\/)/g, '***@'],
  // password=…, "token": "…", --api-key …, Authorization: Bearer …
  [
    /((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?|authorization)["']?\s*(?:[=:]|\s)\s*)(?:bearer\s+|basic\s+)?("[^"]*"|'[^']*'|[^\s,;&"']+)/gi,
    '$1***',
  ],
  // access key ids and JSON web tokens, wherever they stand
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, '***'],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, '***'],
];

export function mask(text: string): string {
  return RULES.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), text);
}

/** A command line: values of options are masked too when the option before them names a secret. */
export function maskArguments(argv: readonly string[]): string[] {
  return argv.map((argument, index) => {
    const previous = argv[index - 1] ?? '';
    const isSecretValue =
      /^--?[\w-]*(pass|pwd|secret|token|key|credential|auth)[\w-]*$/i.test(previous) && !argument.startsWith('-');
    return isSecretValue ? '***' : mask(argument);
  });
}

/** The shape of an SQL statement: literals may be secrets, so each becomes a question mark. At most 80 characters. */
export function sqlShape(statement: string): string {
  const shape = statement
    .slice(0, 2000)
    .replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
    .replace(/\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/g, '?')
    .replace(/'(?:[^']|'')*(?:'|$)/g, '?')
    .replace(/(?<![\w$])\d+(?:\.\d+)?\b/g, '?')
    .replace(/\s+/g, ' ')
    .trim();
  return shape.length > 80 ? `${shape.slice(0, 79)}…` : shape;
}
