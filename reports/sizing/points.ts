/** Measured points from a file: JSON or CSV, by hand or of `outlive size --measure --save`. */
import { UserError } from '../../user-error.ts';
import type { System } from './simulate.ts';
import type { Point } from './usl.ts';

/** A run of lanes behind pools, to hold the simulation against: the law is never fitted to it. */
export interface Validation {
  system: System;
  throughput: number;
  p50Ms: number;
}

export interface Measured {
  points: Point[];
  validation: Validation[];
  /** Sessions that the server accepts; null: not known. */
  limit: number | null;
  /** What was measured, and with what doubt; one sentence each. */
  notes: string[];
}

/** Throws `UserError`. */
export function parsePoints(text: string, name: string): Measured {
  const trimmed = text.trim();
  const read = /^[[{]/.test(trimmed) ? fromJson(trimmed, name) : { points: fromCsv(trimmed, name) };
  const { points, validation = [], limit = null, notes = [] } = read;
  for (const { concurrency, throughput } of points) {
    if (!(concurrency >= 1 && throughput > 0 && Number.isFinite(concurrency * throughput))) {
      throw new UserError(
        `${name}: every point needs a concurrency of at least 1 and a throughput above 0; one has ${concurrency} and ${throughput}.`,
      );
    }
  }
  return { points: [...points].sort((a, b) => a.concurrency - b.concurrency), validation, limit, notes };
}

function fromJson(text: string, name: string): Partial<Measured> & { points: Point[] } {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${name} is no JSON: ${(error as Error).message}.`);
  }
  const { points = data, ...others } = Array.isArray(data) ? {} : (data as Partial<Measured>);
  if (!Array.isArray(points)) {
    throw new UserError(`${name} needs a list of points: [{ "concurrency": 1, "throughput": 280 }, …].`);
  }
  const pairs = points.map((point: Partial<Point> | number[]) =>
    Array.isArray(point)
      ? { concurrency: Number(point[0]), throughput: Number(point[1]) }
      : { concurrency: Number(point?.concurrency), throughput: Number(point?.throughput) },
  );
  return { ...others, points: pairs };
}

/** `concurrency,throughput` lines; a first line of names is skipped. */
function fromCsv(text: string, name: string): Point[] {
  const rows = text.split(/\r?\n/).map((line) => line.split(/[,;\t]/).map((cell) => cell.trim()));
  const data = rows.filter((row, i) => row.join('') !== '' && !(i === 0 && Number.isNaN(Number(row[0]))));
  return data.map(([concurrency, throughput], i) => {
    if (concurrency === undefined || throughput === undefined) {
      throw new UserError(`${name}: row ${i + 1} needs two numbers, concurrency and throughput.`);
    }
    return { concurrency: Number(concurrency), throughput: Number(throughput) };
  });
}
