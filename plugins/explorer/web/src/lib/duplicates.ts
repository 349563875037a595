// Items of equal or nearly equal content, in groups: which one of a group is kept, and what is done with the others.

import { body, finished, type Job } from "./api";
import { ask, json } from "./http";
import type { Asked } from "./query.svelte";

export interface Candidate {
  uuid: string;
  name: string;
  folder: string;
  kind: string;
  width: number | null;
  height: number | null;
  size: number | null;
  captured_at: string | null;
  metadata: number;
  collections: number;
  datasets: number;
}
export interface Group {
  items: Candidate[];
  reason: string;
  pairs: { first: string; second: string; score: number }[];
}
export interface Duplicates {
  groups: Group[];
  compared: number;
  left_out: number;
  notes: string[];
}
export interface CarriedOver {
  items: number;
  values: number;
  collections: number;
  datasets: number;
  conflicts: { key: string; name: string; value: unknown; other_name: string; other_value: unknown }[];
}

/** Run a job until it has ended; it is cancelled where nobody waits for it any more. */
async function run<T>(path: string, given: Record<string, unknown>, tell: (said: string) => void, signal: AbortSignal): Promise<T> {
  const job = await json<Job>(path, { body: given, signal });
  const stop = (): void => void ask(`jobs/${job.id}/cancel`, { method: "POST" }).catch(() => undefined);
  signal.addEventListener("abort", stop);
  try {
    return (await finished(job, tell, signal)).result as T;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function narrowed(asked: Asked): Record<string, unknown> {
  const { sort: _, ...query } = body(asked);
  return Object.keys(query).length ? { query } : {};
}

/** Groups among the items that a query finds: equal files, or with a cosine items whose vectors are at least so near. */
export function duplicates(asked: Asked, cosine: number | null, key: string, tell: (said: string) => void, signal: AbortSignal): Promise<Duplicates> {
  if (cosine === null) return run("curation/exact-duplicates", narrowed(asked), tell, signal);
  return run("curation/near-duplicates", { ...narrowed(asked), threshold: cosine, ...(key ? { key } : {}) }, tell, signal);
}

/** Store the hashes of files that have none; gives how many have one now, and how many could not be read. */
export function hashMissing(asked: Asked, tell: (said: string) => void, signal: AbortSignal): Promise<{ hashed: number; failed: number; waiting: number }> {
  return run("curation/hash-missing", narrowed(asked), tell, signal);
}

/** Copy what people have done with the redundant items to the kept ones; with `dry`, only tell what would be copied. */
export function carryOver(found: Duplicates, dry: boolean): Promise<CarriedOver> {
  return json("curation/carry-over", { body: { found, dry_run: dry } });
}

export function redundant(found: Duplicates): string[] {
  return found.groups.flatMap((group) => group.items.slice(1).map((item) => item.uuid));
}

/** The group with another item kept than the one that was proposed. */
export function keeping(group: Group, uuid: string): Group {
  const items = [...group.items].sort((one, other) => Number(other.uuid === uuid) - Number(one.uuid === uuid));
  return { ...group, items, reason: "chosen by you" };
}

/** The highest similarity of an item to another one of its group. */
export function likeness(group: Group, uuid: string): number | null {
  const scores = group.pairs.filter((pair) => pair.first === uuid || pair.second === uuid).map((pair) => pair.score);
  return scores.length ? Math.max(...scores) : null;
}
