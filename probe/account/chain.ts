/**
 * A linked list, whose items hold the links: for what comes and goes with each acquire. A set or map that changes all the
 * time builds its table anew every few times.
 */
export interface Link<T> {
  previous: T | null;
  next: T | null;
}

/** Somebody walks the chain, perhaps over several turns of the event loop. */
interface Walk<T> {
  next: T | null;
}

export class Chain<T extends Link<T>> {
  first: T | null = null;
  last: T | null = null;
  size = 0;
  /** Null while nobody walks, which is nearly always. */
  private walks: Set<Walk<T>> | null = null;

  push(item: T): void {
    item.previous = this.last;
    if (this.last) this.last.next = item;
    else this.first = item;
    this.last = item;
    this.size++;
  }

  /** Does nothing when the item is not in it. */
  delete(item: T): void {
    const { previous, next } = item;
    if (this.walks !== null) for (const walk of this.walks) if (walk.next === item) walk.next = next;
    if (previous) previous.next = next;
    else if (this.first === item) this.first = next;
    else return;
    if (next) next.previous = previous;
    else this.last = previous;
    item.previous = item.next = null;
    this.size--;
  }

  /** In order. Items may be added and deleted meanwhile; what is added once the last was reached is not met. */
  *[Symbol.iterator](): Generator<T> {
    const walk: Walk<T> = { next: this.first };
    this.walks ??= new Set();
    this.walks.add(walk);
    try {
      while (walk.next) {
        const item = walk.next;
        walk.next = item.next;
        yield item;
      }
    } finally {
      this.walks.delete(walk);
      if (this.walks.size === 0) this.walks = null;
    }
  }
}
