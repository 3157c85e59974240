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
  if (minutes === null)
    throw new OracleError(1882, `timezone region not found: the stand-in knows offsets, not ${value}`);
  await gateway.guarded([
    { kind: 'plain', text: `set time zone '<${offsetText(minutes)}>${offsetText(-minutes)}'` },
    { kind: 'plain', text: `set standin.sessiontimezone to '${offsetText(minutes)}'` },
  ]);
}

/** Of an offset such as `+02:0`, minutes east of UTC; null for names. */
export function timeZoneMinutes(text: string): number | null {
  const match = /^([+-])(\d{1,2}):(\d{1,2})$/.exec(text.trim());
  if (!match) return null;
  return (Number(match[2]) * 60 + Number(match[3])) * (match[1] === '-' ? -1 : 1);
}
