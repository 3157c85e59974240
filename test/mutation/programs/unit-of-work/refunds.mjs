import { UnitOfWork } from './unit.mjs';

export async function refund(pool, n) {
  const unit = await UnitOfWork.begin(pool); // acquires: refund
  const { rows } = await unit.query('select $1::int % 5 as reason', [n]);
  await unit.query('select $1::int', [rows[0].reason]);
  await unit.commit(); // gives back: refund
}
