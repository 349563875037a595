// What is selected: some items, or all that the query finds except some. A frame selects its item.

import { SvelteSet } from "svelte/reactivity";

class Selection {
  all = $state(false);
  readonly some = new SvelteSet<string>();
  readonly except = new SvelteSet<string>();
  anchor = $state(-1);

  has(uuid: string): boolean {
    return this.all ? !this.except.has(uuid) : this.some.has(uuid);
  }

  size(found: number): number {
    return this.all ? Math.max(0, found - this.except.size) : this.some.size;
  }

  toggle(uuid: string): void {
    const set = this.all ? this.except : this.some;
    if (set.has(uuid)) set.delete(uuid);
    else set.add(uuid);
  }

  only(uuids: Iterable<string>): void {
    this.clear();
    this.add(uuids);
  }

  add(uuids: Iterable<string>): void {
    for (const uuid of uuids) {
      if (this.all) this.except.delete(uuid);
      else this.some.add(uuid);
    }
  }

  everything(): void {
    this.clear();
    this.all = true;
  }

  clear(): void {
    this.all = false;
    this.some.clear();
    this.except.clear();
    this.anchor = -1;
  }
}

export const selection = new Selection();
