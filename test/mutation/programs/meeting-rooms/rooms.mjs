import { Leases } from 'outlive/lease';

export class Rooms {
  #free;
  #waiting = [];
  #leases;
  lent = 0;

  constructor(max) {
    this.#free = Array.from({ length: max }, (_, number) => ({ number, notes: number % 2 ? ['left'] : [] }));
    this.#leases = new Leases({ library: 'meeting-rooms', max });
  }

  get waiting() {
    return this.#waiting.length;
  }

  acquire() {
    return this.#leases.acquire(async () => {
      const room = this.#free.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
      this.lent++;
      return room;
    });
  }

  release(room) {
    this.#leases.released(room);
    this.lent--;
    const next = this.#waiting.shift();
    if (next) next(room);
    else this.#free.push(room);
  }
}
