/** Definitions of tables for both databases: one text, in which only the types differ. */
import type { Dialect, Statement } from './store.ts';

const TYPES = {
  postgres: {
    /** A short text that is never empty, fit for keys. */
    name: 'text',
    /** A text of up to 4,000 bytes in Oracle. */
    text: 'text',
    list: 'text[]',
    integer: 'integer',
    bigint: 'bigint',
    boolean: 'boolean',
    time: 'timestamptz',
    /** Of any length; as it was written. */
    document: 'text',
    /** To be looked into. */
    jsonb: 'jsonb',
  },
  oracle: {
    name: 'varchar2(255 char)',
    text: 'varchar2(4000)',
    list: 'clob',
    integer: 'number(10)',
    bigint: 'number(19)',
    boolean: 'number(1)',
    time: 'timestamp(3) with time zone',
    document: 'clob',
    jsonb: 'clob',
  },
};

export type Types = (typeof TYPES)['postgres'];

export function table(define: (types: Types, dialect: Dialect) => string): Statement {
  return { postgres: define(TYPES.postgres, 'postgres'), oracle: define(TYPES.oracle, 'oracle') };
}
