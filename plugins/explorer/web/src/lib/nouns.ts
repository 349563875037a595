// The records of the other pages, and what can be done with them.

import { address, ask, json } from "./http";
import type { Job } from "./api";

export interface Folder { uuid: string; name: string; path: string; description: string; created_at: string }
export interface Synced { folder: string; prefix: string; integration: string | null; synced_at: string | null }
export interface Import { uuid: string; id: number; source: string; state: string; added: number; updated: number; skipped: number; failed: number; started_at: string; finished_at: string | null }
export interface Problem { place: string | null; urls?: string[]; reason: string }
export interface Dataset { uuid: string; title: string; description: string; row_count: number; created_at: string }
export interface Project { uuid: string; title: string; description: string; status: string; datasets: string[]; tags: string[]; archived_at: string | null }
export interface Integration { uuid: string; name: string; backend: string; options: Record<string, unknown> }
export interface Check { name: string; ok: boolean; message: string }
export interface User { uuid: string; email: string; role: string; member_type: string }
export interface Group { uuid: string; name: string; description: string; users: string[]; groups: string[] }
export interface Plugin { name: string; distribution: string | null; version: string | null; status: string; contributions: string[] }

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

/** The address from which a dataset is downloaded in a format. */
export function exported(title: string, format: string): string {
  return address(`datasets/${ref(title)}/export`, { format });
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
