/** The schema that OASIS published for SARIF 2.1.0. It is of JSON Schema draft 4, which needs an Ajv of that time. */
import { createRequire } from 'node:module';

interface Validate {
  (log: unknown): boolean;
  errors: unknown[] | null;
}

const require = createRequire(import.meta.url);
const theirs = createRequire(require.resolve('@microsoft/jest-sarif/package.json'));
const Ajv = theirs('ajv') as new (
  options: object,
) => { addMetaSchema(schema: object): void; compile(schema: object): Validate };

const ajv = new Ajv({ schemaId: 'auto', allErrors: true });
ajv.addMetaSchema(theirs('ajv/lib/refs/json-schema-draft-04.json') as object);
const validate = ajv.compile(require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json') as object);

/** What is wrong with a log; empty when it is valid. */
export function sarifErrors(text: string): unknown[] {
  return validate(JSON.parse(text)) ? [] : (validate.errors ?? []);
}
