// What the user may do to the records in sight: asked once for each list, and of nobody who may do everything.

import { allowedOn } from "./api";
import { session } from "./session.svelte";

type Noun = Parameters<typeof allowedOn>[0];

export class Rights {
  #noun: Noun;
  #found = $state.raw<Record<string, string[]>>({});

  constructor(noun: Noun) {
    this.#noun = noun;
  }

  /** Ask for some records, besides those that are known. */
  async ask(records: { uuid: string }[]): Promise<void> {
    if (session.rules || session.me?.readOnly) return;
    this.#found = { ...this.#found, ...(await allowedOn(this.#noun, records.map((one) => one.uuid))) };
  }

  /** Whether the user may do it to a record; what has not been asked yet is not offered. */
  may(verb: "update" | "delete" | "create" | "share", record: { uuid: string } | null | undefined): boolean {
    if (!record || session.me?.readOnly) return false;
    return session.rules || (this.#found[record.uuid]?.includes(verb) ?? false);
  }
}
