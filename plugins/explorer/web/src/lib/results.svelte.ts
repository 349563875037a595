// The result of the query, by position: the count at once, records page by page where somebody looks, the least used pages dropped.

import { part, search, total, type Tile } from "./api";
import { isAborted, sentence, Unreachable } from "./http";
import type { Asked } from "./query.svelte";

export const PAGE = 120;
const KEPT = 60;
const BLOCK = 2000;
/** The most rows that are selected by their positions; more are selected by their query. */
export const MOST = 20_000;

class Results {
  count = $state<number | null>(null);
  fault = $state("");
  /** What is to be said of the answer, such as values that count as missing. */
  notes = $state<string[]>([]);
  busy = $state(0);
  /** Grows with each page that arrives, so that whoever reads records is told. */
  arrived = $state(0);
  /** Grows with each new query, so that whoever shows a part of the result wants it again. */
  asked = $state(0);
  #asked: Asked = {};
  #wanted: [number, number] = [0, 0];
  #pages = new Map<number, Tile[]>();
  #waiting = new Map<number, AbortController>();
  #counting: AbortController | null = null;

  /** Forget everything and ask anew. */
  async reset(asked: Asked): Promise<void> {
    this.#asked = asked;
    this.asked += 1;
    for (const one of this.#waiting.values()) one.abort();
    this.#counting?.abort();
    this.#waiting.clear();
    this.#pages.clear();
    this.fault = "";
    this.notes = [];
    const mine = (this.#counting = new AbortController());
    this.busy += 1;
    try {
      void this.#load(0);
      this.count = await total(asked, mine.signal);
    } catch (error) {
      if (!isAborted(error)) {
        this.fault = sentence(error);
        this.count = null;
      }
    } finally {
      this.busy -= 1;
      this.arrived += 1;
    }
  }

  at(index: number): Tile | undefined {
    const page = Math.floor(index / PAGE);
    const found = this.#pages.get(page);
    if (found) {
      this.#pages.delete(page);
      this.#pages.set(page, found);
    }
    return found?.[index - page * PAGE];
  }

  /** The UUIDs of some rows that are loaded. */
  loaded(most: number): string[] {
    void this.arrived;
    return [...this.#pages.values()].flat().slice(0, most).map((tile) => tile.uuid);
  }

  /** The position of an item among the rows that are loaded, or -1. */
  positionOf(uuid: string): number {
    for (const [page, rows] of this.#pages) {
      const place = rows.findIndex((tile) => tile.uuid === uuid);
      if (place >= 0) return page * PAGE + place;
    }
    return -1;
  }

  /** Load the pages from one position to another, and stop loading pages far away from them. */
  want(from: number, to: number): void {
    void this.asked;
    if (this.count === null) return; // the first page is on its way
    this.#wanted = [from, to];
    const first = Math.floor(Math.max(0, from) / PAGE);
    const last = Math.floor(Math.max(0, Math.min(to, (this.count ?? PAGE) - 1)) / PAGE);
    for (const [page, controller] of this.#waiting) {
      if (page && (page < first - 1 || page > last + 1)) controller.abort(); // the first page has the notes
    }
    for (let page = first; page <= last; page += 1) void this.#load(page);
  }

  /** The rows from one position to another, both included: those that are loaded, and the others from the server, `MOST` at most. */
  async range(from: number, to: number): Promise<Tile[]> {
    const last = Math.min(to, from + MOST - 1);
    const loaded = Array.from({ length: last - from + 1 }, (_, place) => this.at(from + place));
    if (loaded.every((tile) => tile !== undefined)) return loaded;
    const found: Tile[] = [];
    for (let start = from; start <= last; start += BLOCK) found.push(...(await search(this.#asked, start, Math.min(BLOCK, last - start + 1))));
    return found;
  }

  /** Read the loaded pages anew, without losing what is shown meanwhile. */
  async refresh(): Promise<void> {
    const asked = this.#asked;
    if (this.fault || this.count === null) return this.reset(asked);
    const pages = [...this.#pages.keys()];
    const counted = await total(asked);
    if (asked !== this.#asked) return;
    this.count = counted;
    for (const page of new Set([0, ...pages.slice(-6)])) {
      const { tiles, notes } = await part(asked, page * PAGE, PAGE);
      if (asked !== this.#asked) return;
      this.#pages.set(page, tiles);
      if (page === 0) this.notes = notes;
    }
    for (const page of pages.slice(0, -6)) this.#pages.delete(page);
    this.arrived += 1;
    this.want(...this.#wanted); // what could not be loaded before
  }

  async #load(page: number): Promise<void> {
    if (this.#pages.has(page) || this.#waiting.has(page)) return;
    const controller = new AbortController();
    const asked = this.#asked;
    this.#waiting.set(page, controller);
    try {
      const { tiles, notes } = await part(asked, page * PAGE, PAGE, controller.signal);
      if (asked !== this.#asked) return;
      this.#pages.set(page, tiles);
      if (page === 0) this.notes = notes;
      for (const oldest of this.#pages.keys()) {
        if (this.#pages.size <= KEPT) break;
        this.#pages.delete(oldest);
      }
    } catch (error) {
      // Where the server does not answer, what is shown stays, and the rest is loaded when it is back.
      if (!isAborted(error) && asked === this.#asked && !(error instanceof Unreachable && this.count !== null)) this.fault = sentence(error);
    } finally {
      if (this.#waiting.get(page) === controller) this.#waiting.delete(page);
      this.arrived += 1;
    }
  }
}

export const results = new Results();
