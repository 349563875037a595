// The last change that can be undone: offered beside its message, and later by a button and Ctrl-Z until another change is made.

import { changed } from "./api";
import { sentence } from "./http";
import { notices, type Notice } from "./notices.svelte";

export type Undo = () => Promise<unknown>;

class Undoing {
  last = $state.raw<{ text: string; run: Undo } | null>(null);
  #told = 0;

  /** Tell what was done. Only the last change is undone: one without `undo` leaves nothing to undo. */
  done(text: string, undo: Undo | undefined, more?: Notice["action"]): void {
    notices.close(this.#told);
    this.last = undo ? { text, run: undo } : null;
    this.#told = notices.say(text, undo ? { name: "Undo", run: () => this.run() } : undefined, more);
    changed();
  }

  async run(): Promise<void> {
    const mine = this.last;
    if (!mine) return;
    this.last = null;
    notices.close(this.#told);
    try {
      await mine.run();
      notices.say("Undone.");
    } catch (error) {
      notices.fault(`This cannot be undone: ${sentence(error)}`);
    }
    changed();
  }
}

export const undoing = new Undoing();
