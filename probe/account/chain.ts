/**
 * A linked list, whose items hold the links: for what comes and goes with each acquire. A set or map that changes all the
 * time builds its table anew every few times.
 */
export interface Link<T> {
  previous: T | null;
  next: T | null;
}

export class Chain<T extends Link<T>> {
  first: T | null = null;
  last: T | null = null;
  size = 0;

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
    if (previous) previous.next = next;
    else if (this.first === item) this.first = next;
    else return;
    if (next) next.previous = previous;
    else this.last = previous;
    item.previous = item.next = null;
    this.size--;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let item = this.first; item; item = item.next) yield item;
  }
}
