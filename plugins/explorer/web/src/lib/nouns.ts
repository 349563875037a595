// The records of the other pages, and what can be done with them.

import { address, ask, json } from "./http";
import type { Job } from "./api";

export interface Contents { folders: number; items: number }
export interface Folder { uuid: string; name: string; path: string; description: string; created_at: string }
export interface Synced { folder: string; prefix: string; integration: string | null; synced_at: string | null }
export interface Import { uuid: string; id: number; source: string; state: string; added: number; updated: number; skipped: number; failed: number; started_at: string; finished_at: string | null; folder_id: number | null; is_read: boolean; warnings: number; restored: number; removed: number; waiting: number }
export interface Problem { place: string; url: string; reason: string; severity: string }
export interface Dataset { uuid: string; title: string; description: string; row_count: number; created_at: string }
export interface Version { uuid: string; dataset: string; number: number; note: string; row_count: number; unhashed: number; created_at: string; created_by: string; digest: string | null }
export interface Placed { name: string; item: string; old: number | null; new: number | null }
export interface ChangedItem { name: string; item: string; metadata: Record<string, [unknown, unknown]>; frames: Record<string, unknown>; fields: Record<string, [unknown, unknown]>; content: Record<string, [unknown, unknown]> }
export interface Diff { old: string; new: string; added: Placed[]; gone: Placed[]; moved: Placed[]; changed: ChangedItem[]; unchanged: number }
export interface Verified { name: string; item: string; url: string; state: string; reason: string }
export interface Row { position: number; item: { uuid: string; name: string; folder_path: string; facts: { kind: string }; updated_at: string; deleted_at: string | null; metadata: Record<string, unknown> }; since: string }
export interface Project { uuid: string; title: string; description: string; status: string; datasets: string[]; tags: string[]; collections: string[]; archived_at: string | null; created_at: string }
export interface Tag { uuid: string; name: string; project_count: number }
export interface Sent { uuid: string; project: string; collection: string; format: string; file: string; item_count: number; frame_count: number; sent_by: string; sent_at: string }
export interface Grant { role: string; noun: string; resource: string; uuid: string; user: string | null; group: string | null; granted_by: string; granted_at: string }
export interface Integration { uuid: string; name: string; backend: string; options: Record<string, unknown> }
export interface Check { name: string; ok: boolean; message: string }
export interface User { uuid: string; email: string; role: string; member_type: string }
export interface Group { uuid: string; name: string; description: string; users: string[]; groups: string[] }
export interface Plugin { name: string; distribution: string; version: string; status: string; contributions: string[] }

export async function all<T>(path: string, query: Record<string, unknown> = {}): Promise<T[]> {
  return (await json<{ rows: T[] }>(path, { query: { limit: 1000, ...query } })).rows;
}

export async function remove(path: string): Promise<void> {
  await ask(path, { method: "DELETE" });
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  return json<T>(path, { body });
}

export async function patch<T>(path: string, body: unknown): Promise<T> {
  return json<T>(path, { method: "PATCH", body });
}

export function ref(text: string): string {
  return encodeURIComponent(text);
}

/** The formats of exports that the plugins of the server bring. */
export async function formats(): Promise<string[]> {
  const found = await all<Plugin>("plugins", { limit: undefined });
  return found.flatMap((one) => one.contributions.filter((text) => text.startsWith("exporter ")).map((text) => text.slice(9)));
}

/** How many items are in each folder itself, by its path. */
export async function itemsByFolder(): Promise<Map<string, number>> {
  const { rows } = await json<{ rows: { buckets: { value: string; count: number }[] }[] }>("facets", { body: { names: "folder", most: 10_000 } });
  return new Map(rows[0]?.buckets.map((bucket) => [bucket.value, bucket.count]) ?? []);
}

/** Begin to import what lies below a prefix of a store. */
export async function importPrefix(url: string, folder: string, integration: string): Promise<Job> {
  return post<Job>("imports", { sources: [url], folder, ignore_errors: true, thumbnails: true, ...(integration ? { integration } : {}) });
}

/** Send files, and begin to import them. `told` hears how many of them were sent. */
export async function importFiles(files: File[], folder: string, told: (sent: number) => void): Promise<Job> {
  const begun = await json<{ id: string; source: string }>("uploads", { method: "POST" });
  let sent = 0;
  for (const file of files) {
    const name = (file.webkitRelativePath || file.name).replace(/^\/+/, "");
    await ask(`uploads/${begun.id}/${ref(name)}`, { method: "PUT", body: file, headers: { "content-type": "application/octet-stream" } });
    told((sent += 1));
  }
  return json<Job>("imports", { body: { sources: [begun.source], folder, ignore_errors: true, thumbnails: true } });
}

/** Send a manifest, and begin to import what it lists. */
export async function importManifest(file: File, folder: string, integration: string): Promise<Job> {
  return json<Job>("manifests", {
    method: "POST",
    body: file,
    query: { folder, ignore_errors: true, ...(integration ? { integration } : {}) },
    headers: { "content-type": "application/octet-stream" },
  });
}

export interface Sending { items: number; frames: number; skipped: number; outside: number; not_taken: number }

/** Write tasks for an annotation tool, download them, and give back what was sent and what was left out. */
export async function sendTasks(project: string, what: { collection: string; format: string; frames: string; again: boolean }, filename: string): Promise<Sending> {
  const answer = await ask(`projects/${ref(project)}/send`, { body: what, query: { filename } });
  const done = JSON.parse(decodeURIComponent(answer.headers.get("heron-result") ?? "{}")) as Sending;
  if (answer.status !== 204) save(await answer.blob(), filename);
  return done;
}

/** Let the browser keep something as a file. */
export function save(content: Blob, filename: string): void {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(content), download: filename });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
