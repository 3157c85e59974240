/** ALTER SESSION. */
import type { Gateway } from './backend/gateway.ts';
import { OracleError } from './errors.ts';
import { SCHEMA } from './sql/library.ts';
import { offsetText } from './wire/times.ts';

/** Accepted, and without effect here. */
const WITHOUT_EFFECT =
  /^(NLS_|OPTIMIZER_|PLSQL_|_|(STATISTICS_LEVEL|SQL_TRACE|CURSOR_SHARING|TRACEFILE_IDENTIFIER|EVENTS|DDL_LOCK_TIMEOUT|TXN_PRIORITY)$)/;

export async function alterSession(
  settings: readonly [name: string, value: string][],
  gateway: Gateway,
): Promise<void> {
  for (const [name, value] of settings) {
    if (name === 'TIME_ZONE') await setTimeZone(value, gateway);
    else if (name === 'CURRENT_SCHEMA') await setSchema(value, gateway);
    else if (!WITHOUT_EFFECT.test(name)) {
      throw new OracleError(2248, `invalid option for ALTER SESSION: the stand-in knows no ${name}`);
    }
  }
}

export async function setSchema(schema: string, gateway: Gateway): Promise<void> {
  const name = schema.toLowerCase().replaceAll('"', '');
  await gateway.guarded([{ kind: 'plain', text: `set search_path to "${name}", public, ${SCHEMA}, pg_catalog` }]);
}

async function setTimeZone(value: string, gateway: Gateway): Promise<void> {
  const minutes = timeZoneMinutes(value);
  const zone = minutes === null ? timeZoneRegion(value) : `<${offsetText(minutes)}>${offsetText(-minutes)}`;
  await gateway.guarded([
    { kind: 'plain', text: `set time zone '${zone}'` },
    { kind: 'plain', text: `set standin.sessiontimezone to '${minutes === null ? zone : offsetText(minutes)}'` },
  ]);
}

/** A region's name as PostgreSQL takes it, which knows the same ones as JavaScript. Throws `OracleError`. */
function timeZoneRegion(value: string): string {
  const name = value.trim();
  if (/^(LOCAL|DBTIMEZONE)$/i.test(name)) return 'UTC';
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    throw new OracleError(1882, `timezone region not found: ${value}`);
  }
}

/** Of an offset such as `+02:0`, minutes east of UTC; null for names. */
export function timeZoneMinutes(text: string): number | null {
  const match = /^([+-])(\d{1,2}):(\d{1,2})$/.exec(text.trim());
  if (!match) return null;
  return (Number(match[2]) * 60 + Number(match[3])) * (match[1] === '-' ? -1 : 1);
}
