/** A transaction on a client of its own, which ends with it. */
export class UnitOfWork {
  static async begin(pool) {
    const unit = new UnitOfWork();
    unit.client = await pool.connect();
    await unit.client.query('begin');
    return unit;
  }

  query(sql, values) {
    return this.client.query(sql, values);
  }

  async commit() {
    await this.client.query('commit');
    this.client.release(); // gives back: order, refund
  }

  async rollback() {
    await this.client.query('rollback');
    this.client.release(); // gives back: order
  }
}
