/** The detectors by their names in the table of natures. */
import type { Rule } from '../recording/natures.ts';
import { collected } from './detectors/collected.ts';
import type { Detector } from './detectors/detector.ts';
import { failPath } from './detectors/fail-path.ts';
import { flowEnded, ownFlowEnded } from './detectors/flow-ended.ts';
import { leftAtRest } from './detectors/growth/at-rest.ts';
import { rising } from './detectors/growth/floors.ts';
import { ongoing } from './detectors/growth/ongoing.ts';
import { capacity } from './detectors/growth/pools.ts';
import { heldTooLong } from './detectors/held-too-long.ts';
import { keepsAlive } from './detectors/keeps-alive.ts';
import { outlivedScope } from './detectors/outlived-scope/lease.ts';
import { rearmed } from './detectors/outlived-scope/loop.ts';
import { oneShot } from './detectors/outlived-scope/one-shot.ts';
import { awaitedByPool } from './detectors/outlived-scope/pool.ts';
import { leftInSession, lockLeft } from './detectors/outlived-scope/session.ts';
import { stranded } from './detectors/outlived-scope/stranded.ts';
import { openTransaction } from './detectors/outlived-scope/transaction.ts';
import { superseded } from './detectors/superseded.ts';
import { timeOutLeft } from './detectors/time-out-left.ts';
import { unreachable } from './detectors/unreachable.ts';

export const DETECTOR_OF: Readonly<Record<Rule, Detector>> = {
  collected,
  unreachable,
  'outlived-scope/stranded': stranded,
  'fail-path': failPath,
  'outlived-scope/pool': awaitedByPool,
  'outlived-scope/lease': outlivedScope,
  'outlived-scope/transaction': openTransaction,
  'outlived-scope/lock': lockLeft,
  'outlived-scope/session': leftInSession,
  'outlived-scope/loop': rearmed,
  'flow-ended/time-out': timeOutLeft,
  'outlived-scope/one-shot': oneShot,
  superseded,
  'flow-ended': flowEnded,
  'flow-ended/own': ownFlowEnded,
  'growth/pools': capacity,
  'growth/floors': rising,
  'growth/at-rest': leftAtRest,
  'growth/ongoing': ongoing,
  'keeps-alive': keepsAlive,
  'held-too-long': heldTooLong,
};
