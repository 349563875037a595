// Changes of many items: collections, metadata, datasets. Each tells how many it changed, and how it is undone where that is exact.

import { body, things, type Raw } from "./api";
import { ask, json } from "./http";
import type { Target } from "./target";
import type { Undo } from "./undo.svelte";

/** The most items whose state before a change is kept, so that the change can be undone. */
const UNDOABLE = 5000;

export interface Changed {
  count: number;
  undo?: Undo | undefined;
}

function collection(title: string): string {
  return `collections/${encodeURIComponent(title)}`;
}

/** The records of a target as they are now; null if there are too many to keep. */
async function before(target: Target): Promise<Raw[] | null> {
  const asked = "items" in target ? { where: `uuid IN (${target.items.map((uuid) => `'${uuid}'`).join(", ")})` } : body(target.query);
  if ("items" in target && (target.items.length > UNDOABLE || !target.items.length)) return null;
  const { rows } = await json<{ rows: Raw[] }>("search", { body: { ...asked, sort: undefined, limit: UNDOABLE + 1 } });
  const except = new Set("items" in target ? [] : target.except);
  return rows.length > UNDOABLE ? null : rows.filter((raw) => !except.has(String(raw.uuid)));
}

async function having(title: string, target: Target, wanted: boolean): Promise<string[] | null> {
  const records = await before(target);
  return records && records.filter((raw) => (raw.tags as string[]).includes(title) === wanted).map((raw) => String(raw.uuid));
}

/** Add to a collection, which is made first where `made` is given. */
export async function collect(title: string, made: { title: string; description: string } | null, target: Target): Promise<Changed> {
  const missing = made ? null : await having(title, target, false);
  if (made) await json("collections", { body: made });
  try {
    const { added } = await json<{ added: number }>(`${collection(title)}/items`, { body: { items: things(target) } });
    if (made) return { count: added, undo: () => ask(collection(title), { method: "DELETE" }) };
    return { count: added, undo: missing ? () => json(`${collection(title)}/items:remove`, { body: { items: missing } }) : undefined };
  } catch (error) {
    if (made) await ask(collection(title), { method: "DELETE" });
    throw error;
  }
}

export async function uncollect(title: string, target: Target): Promise<Changed> {
  const there = await having(title, target, true);
  const { count } = await json<{ count: number }>(`${collection(title)}/items:remove`, { body: { items: things(target) } });
  return { count, undo: there ? () => json(`${collection(title)}/items`, { body: { items: there } }) : undefined };
}

/** Merge keys into the metadata of all items of a target; a key given as null is removed. */
export async function setMetadataOf(target: Target, metadata: Record<string, unknown>): Promise<Changed> {
  const records = await before(target);
  const { count } = await json<{ count: number }>("metadata:merge-all", { body: { items: things(target), metadata } });
  if (!records) return { count };
  const were = Object.fromEntries(
    records.map((raw) => [String(raw.uuid), Object.fromEntries(Object.keys(metadata).map((name) => [name, (raw.metadata as Record<string, unknown>)[name] ?? null]))]),
  );
  return { count, undo: () => json("metadata:merge", { body: { updates: were } }) };
}

export async function makeDataset(title: string, description: string, target: Target): Promise<Changed> {
  const { row_count: count } = await json<{ row_count: number }>("datasets", { body: { title, description, items: things(target) } });
  return { count, undo: () => ask(`datasets/${encodeURIComponent(title)}`, { method: "DELETE" }) };
}

/** Those of some items that are no longer in the catalogue. */
export async function missing(uuids: string[]): Promise<string[]> {
  const gone: string[] = [];
  for (let start = 0; start < uuids.length; start += 1000) {
    const part = uuids.slice(start, start + 1000);
    const where = `uuid IN (${part.map((uuid) => `'${uuid}'`).join(", ")})`;
    const { count } = await json<{ count: number }>("count", { body: { where } });
    if (count === part.length) continue;
    const { rows } = await json<{ rows: Raw[] }>("search", { body: { where, limit: 1000 } });
    const there = new Set(rows.map((raw) => String(raw.uuid)));
    gone.push(...part.filter((uuid) => !there.has(uuid)));
  }
  return gone;
}
