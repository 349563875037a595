// The last change that can be undone: offered beside its message, and later by a button and Ctrl-Z until another change is made.

import { changed } from "./api";
import { sentence } from "./http";
import { notices, type Notice } from "./notices.svelte";

export type Undo = () => Promise<unknown>;

class Undoing {
  last = $state.raw<{ text: string; run: Undo } | null>(null);

  /** Tell what was done; without `undo` it stays, and so does nothing that was done before it. */
  done(text: string, undo: Undo | undefined, more?: Notice["action"]): void {
    this.last = undo ? { text, run: undo } : null;
    const mine = this.last;
    notices.say(text, mine ? { name: "Undo", run: () => (this.last === mine ? this.run() : undefined) } : undefined, more);
    changed();
  }

  async run(): Promise<void> {
    const mine = this.last;
    if (!mine) return;
    this.last = null;
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
