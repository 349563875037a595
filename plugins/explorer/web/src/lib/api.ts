// What the page asks Heron's own API: one function for each question, with the records that the page shows.

import { read, type Column } from "./columns";
import { count } from "./format";
import { address, asSentence, ask, buffer, isAborted, json, Refused } from "./http";
import { condition, written, type Asked } from "./query.svelte";
import type { Target } from "./target";

export interface Tile {
  uuid: string;
  frame: number | null;
  name: string;
  kind: string;
  score: number | null;
  sure: number | null;
  tags: string[];
  version: string;
  fields: Record<string, unknown>;
}

export interface Item {
  uuid: string;
  name: string;
  kind: string;
  folder: string;
  path: string;
  size: number | null;
  width: number | null;
  height: number | null;
  frame_count: number | null;
  fps: number | null;
  duration: number | null;
  codec: string | null;
  pages: number | null;
  captured_at: string | null;
  note: string | null;
  facts: Record<string, unknown>;
  metadata: Record<string, unknown>;
  tags: string[];
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
  etag: string;
}

export interface Frame {
  number: number;
  seconds: number | null;
  is_key: boolean;
}
export interface Bucket {
  value: string | number | boolean | null;
  count: number;
  end?: string | number | null;
}
export interface Facet {
  name: string;
  form: string;
  buckets: Bucket[];
  present: number;
  missing: number;
  distinct: number | null;
  least: unknown;
  greatest: unknown;
}
export interface Field {
  name: string;
  kind: string;
  type: string;
  about: string;
  options?: string[];
  facets: boolean;
  sorts: boolean;
}
export interface FunctionOffer {
  name: string;
  arguments: string;
  summary: string;
}
export interface SchemaKey {
  name: string;
  type: string;
  state: string;
  indexed: boolean;
  options?: string[];
  parameters: Record<string, unknown>;
}
export interface Judged {
  fault: string | null;
  hint?: string;
  position?: number;
  length?: number;
}
export interface Collection {
  uuid: string;
  title: string;
  description: string;
  size: number;
  created_at: string;
}
export interface Preset {
  name: string;
  description: string;
  query: Record<string, unknown> & { where?: string | null; text?: string | null; like?: unknown[]; sort?: string | null; folder?: string | null; key?: string | null };
}
export interface LogLine {
  at: string;
  user: string;
  verb: string;
  count: number;
}
export interface Me {
  user: string;
  workspace: string;
  items: number;
  readOnly: boolean;
  /** What the user may do in the workspace as a whole: verbs by noun. */
  may: Record<string, string[]>;
}
export interface ViewerOffer {
  name: string;
  kinds: string[];
  suffixes: string[];
  module: string;
}
export interface Projection {
  key: string;
  method: string;
  points: number;
}
export interface Points {
  key: string;
  method: string;
  ofFrames: boolean;
  x: Float32Array;
  y: Float32Array;
  uuids: string[];
  frames: Int32Array | null;
  coloured?: Coloured & { field: string };
}
export interface Coloured {
  values: Float64Array | Int32Array | Float32Array;
  labels: string[] | null;
}
export interface Job {
  id: string;
  kind: string;
  state: string;
  started_at: string;
  ended_at: string | null;
  progress: Record<string, unknown>;
  result: unknown;
  error: { message: string; hint?: string | null } | null;
}

interface Match {
  score: number;
  frame: { number: number } | null;
  sure?: number | null;
}
interface Rows<T> {
  rows: T[];
  cursor: string | null;
  matches?: Match[];
  notes?: string[];
}
interface Counted {
  count: number;
}
export type Raw = Record<string, unknown> & { facts?: Record<string, unknown> & { extra?: Record<string, unknown> } };

// Similarity finds everything, more or less: the page shows the first thousand.
const NEAREST = 1000;

/** A query as the server takes it. */
export function body(asked: Asked): Record<string, unknown> {
  const { where, text, like, folder, collection, dataset, project, sort, key } = asked;
  const parts = [where ? (collection || dataset || project ? `(${where})` : where) : ""];
  const quote = (title: string): string => `'${title.replaceAll("'", "''")}'`;
  if (collection) parts.push(`in_collection(${quote(collection)})`);
  if (dataset) parts.push(`in_dataset(${quote(dataset)})`);
  if (project) parts.push(`in_project(${quote(project)})`);
  const condition = parts.filter(Boolean).join(" AND ");
  return {
    ...(condition ? { where: condition } : {}),
    ...(text ? { text } : {}),
    ...(like ? { like: [like] } : {}),
    ...(text || like ? { nearest: NEAREST } : {}),
    ...(key && (text || like) ? { key } : {}),
    ...(folder ? { folder } : {}),
    ...(sort ? { sort } : {}),
  };
}

/** The values of an item by the names that conditions use. */
function fields(raw: Raw): Record<string, unknown> {
  const { facts = {}, metadata = {}, ...rest } = raw;
  const { extra = {}, ...known } = facts;
  const found: Record<string, unknown> = { ...rest, folder: raw.folder_path, ...known };
  for (const [space, values] of Object.entries(extra)) {
    if (typeof values !== "object" || values === null) found[space] = values;
    else for (const [name, value] of Object.entries(values)) found[`${space}.${name}`] = value;
  }
  return { ...found, ...(metadata as Record<string, unknown>) };
}

function tileOf(raw: Raw, match: Match | undefined, ofFrames: boolean): Tile {
  if (ofFrames) {
    const number = Number(raw.number);
    return {
      uuid: String(raw.item),
      frame: number,
      name: `Frame ${number}`,
      kind: "video",
      score: match?.score ?? null,
      sure: match?.sure ?? null,
      tags: [],
      version: "",
      fields: { ...(raw.metadata as object), number, seconds: raw.seconds },
    };
  }
  return {
    uuid: String(raw.uuid),
    frame: match?.frame?.number ?? null,
    name: String(raw.name),
    kind: String(raw.facts?.kind ?? ""),
    score: match?.score ?? null,
    sure: match?.sure ?? null,
    tags: (raw.tags as string[] | undefined) ?? [],
    version: String(raw.updated_at ?? ""),
    fields: fields(raw),
  };
}

/** Rows from a position on, and what is to be said of the answer, which the first rows have. */
export async function part(asked: Asked, start: number, limit: number, signal?: AbortSignal): Promise<{ tiles: Tile[]; notes: string[] }> {
  const found = await json<Rows<Raw>>("search:window", { body: { ...body(asked), start, limit, frames: Boolean(asked.frames) }, signal });
  const tiles = found.rows.map((raw, place) => tileOf(raw, found.matches?.[place], Boolean(asked.frames)));
  return { tiles, notes: found.notes ?? [] };
}

export async function search(asked: Asked, start: number, limit: number, signal?: AbortSignal): Promise<Tile[]> {
  return (await part(asked, start, limit, signal)).tiles;
}

export async function total(asked: Asked, signal?: AbortSignal): Promise<number> {
  const { sort: _, ...rest } = body(asked);
  return (await json<Counted>(asked.frames ? "count:frames" : "count", { body: rest, signal })).count;
}

export async function facets(names: string[], asked: Asked, signal?: AbortSignal): Promise<Facet[]> {
  const { sort: _, ...rest } = body(asked);
  const quoted = names.map(written).join(",");
  return (await json<Rows<Facet>>("facets", { body: { names: quoted, most: 60, ...rest }, signal })).rows;
}

/** The values of a facet that begin with a text, the most frequent first. */
export async function valuesFrom(name: string, start: string, asked: Asked, signal?: AbortSignal): Promise<Bucket[]> {
  const begins = condition(name, { prefix: start });
  const [facet] = await facets([name], { ...asked, where: asked.where ? `(${asked.where}) AND ${begins}` : begins }, signal);
  return facet?.buckets ?? [];
}

export interface Placed {
  points: [latitude: number, longitude: number][];
  total: number;
}

/** Places of the items that a query finds: all, or where there are many some, taken evenly over the result. */
export async function placesOf(name: string, asked: Asked, signal?: AbortSignal): Promise<Placed> {
  const [parts, each] = [6, 200];
  const there = `${written(name)} IS NOT NULL`;
  const placed = { ...asked, sort: "", where: asked.where ? `(${asked.where}) AND ${there}` : there };
  const whole = await total(placed, signal);
  const starts = whole <= parts * each ? [0] : Array.from({ length: parts }, (_, part) => Math.floor(((whole - each) * part) / (parts - 1)));
  const limit = starts.length === 1 ? parts * each : each;
  const found = await Promise.all(starts.map((start) => json<Rows<Raw>>("search:window", { body: { ...body(placed), start, limit }, signal })));
  const points = found.flatMap(({ rows }) =>
    rows.flatMap((raw): [number, number][] => {
      const value = (raw.metadata as Record<string, unknown>)[name] as { latitude?: number; longitude?: number } | number[] | null | undefined;
      if (Array.isArray(value)) return value.length >= 2 ? [[Number(value[0]), Number(value[1])]] : [];
      return value?.latitude === undefined || value.longitude === undefined ? [] : [[value.latitude, value.longitude]];
    }),
  );
  return { points, total: whole };
}

export async function fieldsAndFunctions(): Promise<[Field[], FunctionOffer[]]> {
  const { rows } = await json<Rows<{ name: string; kind: string; type: string; about: string; options: string[]; arguments: string[] }>>("search:names", { query: { limit: 5000 } });
  const plain = rows.filter((row) => row.kind !== "function");
  return [
    plain.map((row) => ({
      name: row.name,
      kind: row.kind,
      type: row.type,
      about: row.about,
      ...(row.options.length ? { options: row.options } : {}),
      facets: !["uuid", "url", "path", "etag", "content_hash"].includes(row.name),
      sorts: !["geospatial", "any"].includes(row.type) || row.name.startsWith("metric."),
    })),
    rows.filter((row) => row.kind === "function").map((row) => ({ name: row.name, arguments: row.arguments.join(", "), summary: row.about })),
  ];
}

/** What the service says of a condition, and where the fault stands. */
export async function judge(where: string, ofFrames: boolean, signal?: AbortSignal): Promise<Judged> {
  try {
    await json(ofFrames ? "count:frames" : "count", { body: { where }, signal });
    return { fault: null };
  } catch (error) {
    if (!(error instanceof Refused) || error.status >= 500) throw error;
    return { fault: error.message, hint: error.hint, ...placeOf(error.body.position, where) };
  }
}

/** A position in characters as one in the units of JavaScript's texts; the whole text where the service knows none. */
function placeOf(found: unknown, where: string): { position: number; length: number } {
  if (!Array.isArray(found)) return { position: 0, length: where.length };
  const characters = [...where];
  const [start, end] = found.map((place) => characters.slice(0, Number(place)).join("").length);
  return { position: start ?? 0, length: (end ?? 0) - (start ?? 0) };
}

export async function item(uuid: string): Promise<Item> {
  const answer = await ask(`items/${encodeURIComponent(uuid)}`);
  const raw = (await answer.json()) as Raw;
  const { kind, media_type, extra = {}, note = null, ...known } = raw.facts ?? {};
  void media_type;
  return {
    ...(known as unknown as Item),
    uuid: String(raw.uuid),
    name: String(raw.name),
    kind: String(kind),
    folder: String(raw.folder_path),
    path: String(raw.path),
    size: raw.size as number | null,
    note: note as string | null,
    facts: extra,
    metadata: raw.metadata as Record<string, unknown>,
    tags: raw.tags as string[],
    created_at: String(raw.created_at),
    updated_at: String(raw.updated_at),
    deleted_at: raw.deleted_at as string | null,
    etag: answer.headers.get("etag") ?? "",
  };
}

function named(thing: { uuid: string; frame?: number | null }): string {
  return encodeURIComponent(thing.frame == null ? thing.uuid : `${thing.uuid}#${thing.frame}`);
}

export function thumbnail(thing: { uuid: string; frame?: number | null; version?: string }): string {
  return address(`items/${named(thing)}/thumbnail`, thing.version ? { version: thing.version } : {});
}

/** The small picture that the catalogue keeps; the server has none for items of which none was made. */
export function stored(thing: { uuid: string; frame?: number | null; version?: string }): string {
  if (thing.frame != null) return address(`frames/${named(thing)}/thumbnail`);
  return address(`items/${named(thing)}/thumbnail/stored`, thing.version ? { version: thing.version } : {});
}

/** How a picture of an item is asked for: at which size, of which frame, or through a volume, and between which values. */
export interface Looks {
  size: number;
  frame?: number | undefined;
  window?: number | undefined;
  level?: number | undefined;
  plane?: Plane | undefined;
  index?: number | undefined;
}
export type Plane = "axial" | "coronal" | "sagittal";

export function picture(thing: Item, looks: Looks): string {
  return address(`items/${named({ uuid: thing.uuid })}/picture`, { ...looks, format: "jpeg", version: thing.updated_at });
}

/** What can be chosen when an item of measured values is looked at: windows of them, and planes through a volume. */
export interface Viewing {
  windows: { width: number; level: number; name: string }[];
  lowest: number;
  highest: number;
  units: string;
  planes: Partial<Record<Plane, number>>;
}

export async function viewing(uuid: string, frame: number, signal?: AbortSignal): Promise<Viewing> {
  return json<Viewing>(`items/${encodeURIComponent(uuid)}/viewing`, { query: { frame }, signal });
}

export function media(thing: Item): string {
  // Through the server: the policy of the page allows no other address.
  return address(`items/${named(thing)}/media`, { redirect: false });
}

export async function text(uuid: string): Promise<string> {
  return (await ask(`items/${uuid}/text`)).text();
}

export async function frames(uuid: string): Promise<Frame[]> {
  return (await json<Rows<Frame>>(`items/${uuid}/frames`, { query: { limit: 10_000 } })).rows;
}

export async function keyframe(uuid: string, number: number, seconds: number): Promise<void> {
  await json(`items/${uuid}/frames:add`, { body: { frames: [[number, seconds, true]] } });
}

/** Take away a frame that was added. */
export async function dropFrame(uuid: string, number: number): Promise<void> {
  await json(`items/${uuid}/frames:delete`, { body: { numbers: [number] } });
}

/** When each frame of an item is shown, in seconds; null where its file does not tell. */
export async function times(uuid: string, signal?: AbortSignal): Promise<number[] | null> {
  const found = await json<number[] | { rows: number[] } | null>(`items/${uuid}/times`, { signal });
  return found && "rows" in found ? found.rows : found;
}

export async function similar(uuid: string, most: number, signal?: AbortSignal): Promise<Tile[]> {
  const found = await json<Rows<Raw>>("search", { body: { like: [uuid], limit: most + 1 }, signal });
  return found.rows.map((raw, place) => tileOf(raw, found.matches?.[place], false));
}

export async function history(uuid: string): Promise<LogLine[]> {
  return (await json<Rows<LogLine>>("log", { query: { resource: uuid, limit: 20 } })).rows;
}

/** One thing that uses an item: a collection, a dataset, a version, a project, what was sent, an item of several files. */
export interface Use {
  kind: "collection" | "dataset" | "version" | "project" | "sent" | "group";
  name: string;
  uuid: string;
}

export async function uses(uuid: string): Promise<Use[]> {
  return json<Use[] | Rows<Use>>(`items/${uuid}/uses`).then((found) => ("rows" in found ? found.rows : found));
}

/** Merge keys into the metadata of an item; a key given as null is removed. With `etag`, only if nobody has changed it since. */
export async function setMetadata(uuid: string, metadata: Record<string, unknown>, etag = ""): Promise<void> {
  await ask(`items/${uuid}/metadata`, { method: "PATCH", body: metadata, headers: etag ? { "if-match": etag } : {} });
}

/** What a change is about, as the server takes it. */
export function things(target: Target): unknown {
  if ("items" in target) return target.items;
  const { where, sort: _, ...rest } = body(target.query) as Record<string, string>;
  const left = target.except.length ? `NOT uuid IN (${target.except.map((uuid) => `'${uuid}'`).join(", ")})` : "";
  const condition = [where ? (left ? `(${where})` : where) : "", left].filter(Boolean).join(" AND ");
  return { query: { ...rest, ...(condition ? { where: condition } : {}) } };
}

export async function collections(): Promise<Collection[]> {
  const { rows } = await json<Rows<Collection & { item_count: number }>>("collections", { query: { limit: 1000 } });
  return rows.map((row) => ({ ...row, size: row.item_count }));
}

export async function presets(): Promise<Preset[]> {
  return (await json<Rows<Preset>>("presets")).rows;
}

export async function makePreset(name: string, asked: Asked): Promise<void> {
  await json("presets", { body: { name, query: body(asked) } });
}

export async function dropPreset(name: string): Promise<void> {
  await ask(`presets/${encodeURIComponent(name)}`, { method: "DELETE" });
}

/** Save a query again that was deleted, as it was. */
export async function restorePreset(preset: Preset): Promise<void> {
  const query = Object.fromEntries(Object.entries(preset.query).filter(([, value]) => value !== null && !(Array.isArray(value) && !value.length)));
  await json("presets", { body: { name: preset.name, description: preset.description, query } });
}

export async function schema(): Promise<SchemaKey[]> {
  const { rows } = await json<Rows<SchemaKey>>("schema/keys");
  return rows.map((key) => ({ ...key, ...(Array.isArray(key.parameters.options) ? { options: key.parameters.options as string[] } : {}) })).filter((key) => key.state === "active");
}

export async function me(): Promise<Me> {
  const found = await json<{ name: string; items: number; read_only: boolean; may: Record<string, string[]>; user: { email: string; role: string } }>("workspace");
  return {
    user: found.user.role === "owner" ? "" : found.user.email,
    workspace: found.name,
    items: found.items,
    readOnly: found.read_only,
    may: found.may,
  };
}

/** What the user may do to each of some records: verbs by UUID; records that are hidden or gone are left out. */
export async function allowedOn(noun: "item" | "folder" | "collection" | "dataset" | "project", uuids: string[], signal?: AbortSignal): Promise<Record<string, string[]>> {
  return uuids.length ? json("roles:allowed", { body: { noun, uuids }, signal }) : {};
}

export async function viewers(): Promise<ViewerOffer[]> {
  try {
    const answer = await fetch("viewers.json");
    return answer.ok ? ((await answer.json()) as ViewerOffer[]) : [];
  } catch {
    return [];
  }
}

export async function projections(): Promise<Projection[]> {
  return (await json<Rows<Projection>>("projections")).rows;
}

/** The points of a projection, with the values of a field, since one question for both costs the server half as much. */
export async function points(key: string, method: string, ofFrames: boolean, field: string, signal?: AbortSignal): Promise<Points> {
  const path = `projections/${encodeURIComponent(key)}/points`;
  const plain = { method, columns: "x,y,uuid,frame", frames: ofFrames };
  let bytes: ArrayBuffer;
  try {
    [bytes] = await buffer(path, { query: field ? { ...plain, columns: `${plain.columns},value`, value: field } : plain, signal });
  } catch (error) {
    if (!field || !(error instanceof Refused) || error.status >= 500) throw error;
    [bytes] = await buffer(path, { query: plain, signal }); // there is no such field: the points are shown, and the colour says why
    field = "";
  }
  const { columns } = read(bytes);
  const [x, y] = [columns.x?.numbers as Float32Array, columns.y?.numbers as Float32Array];
  const spread = [x, y].map((side) => {
    let [least, most] = [Infinity, -Infinity];
    for (const one of side) [least, most] = [Math.min(least, one), Math.max(most, one)];
    return { middle: (least + most) / 2, half: (most - least) / 2 };
  });
  // One scale for both, so that distances mean the same in all directions.
  const half = 1.06 * Math.max(1e-9, ...spread.map((one) => one.half));
  [x, y].forEach((side, place) => {
    const { middle } = spread[place] ?? { middle: 0 };
    for (let row = 0; row < side.length; row += 1) side[row] = ((side[row] ?? 0) - middle) / half;
  });
  return { key, method, ofFrames, x, y, uuids: columns.uuid?.texts ?? [], frames: (columns.frame?.numbers as Int32Array | undefined) ?? null, ...(field && columns.value?.numbers ? { coloured: { field, ...labelled(columns.value) } } : {}) };
}

/** The values of a field for all points: numbers, or places in a list of labels. */
export async function colours(found: Points, field: string): Promise<Coloured> {
  if (found.coloured?.field === field) return found.coloured;
  const [bytes] = await buffer(`projections/${encodeURIComponent(found.key)}/points`, { query: { method: found.method, value: field, columns: "value", frames: found.ofFrames } });
  const column = read(bytes).columns.value;
  if (!column?.numbers) throw new Error(`No point has a value of ${field}.`);
  return labelled(column);
}

function labelled(column: Column): Coloured {
  const numbers = column.numbers ?? new Float32Array();
  if (!column.values) return { values: numbers, labels: null };
  const labels = column.values.map(String);
  const none = labels.length;
  const isWhole = numbers.every((one) => one >= 0);
  return { values: numbers.map((one) => (one < 0 ? none : one)) as Int32Array, labels: isWhole ? labels : [...labels, "nothing"] };
}

/** The rows of the points that the query finds. */
export async function allowed(found: Points, asked: Asked, signal?: AbortSignal): Promise<Uint32Array> {
  const { sort: _, frames: __, ...rest } = body(asked) as Record<string, unknown>;
  const [bytes] = await buffer(`projections/${encodeURIComponent(found.key)}/points`, { query: { method: found.method, columns: "uuid,frame", frames: found.ofFrames, ...rest }, signal });
  const { columns } = read(bytes);
  const name = (uuid: string, frame: number | undefined): string => (frame === undefined ? uuid : `${uuid}#${frame}`);
  const there = new Set((columns.uuid?.texts ?? []).map((uuid, row) => name(uuid, columns.frame?.numbers?.[row])));
  return Uint32Array.from(found.uuids.flatMap((uuid, row) => (there.has(name(uuid, found.frames?.[row])) ? [row] : [])));
}

/** Wait for a job, and tell how far it is. Raises what the job failed with. */
export async function finished(job: Job, tell: (said: string, job: Job) => void, signal?: AbortSignal): Promise<Job> {
  let now = job;
  for (let pause = 60; now.state === "running"; pause = Math.min(400, pause * 1.5)) {
    const { done, total: whole } = now.progress as { done?: number; total?: number };
    tell(done === undefined ? "At work …" : whole ? `${count(done)} of ${count(whole)}` : `${count(done)} done`, now);
    await new Promise((resolve) => setTimeout(resolve, pause));
    now = await json<Job>(`jobs/${job.id}`, { signal });
  }
  if (now.error) throw new Error(now.error.hint ? `${asSentence(now.error.message)} ${asSentence(now.error.hint)}` : now.error.message);
  return now;
}

export async function makeProjection(key: string, tell: (said: string) => void): Promise<void> {
  await finished(await json<Job>("projections", { body: { key } }), tell);
}

/** Send a picture to be searched by; gives the text that a query names it by. */
export async function uploadPicture(file: File): Promise<string> {
  const begun = await json<{ id: string; source: string }>("uploads", { method: "POST" });
  const name = file.name.replace(/[^\w.-]/g, "_") || "picture.png";
  await ask(`uploads/${begun.id}/${encodeURIComponent(name)}`, { method: "PUT", body: file, headers: { "content-type": "application/octet-stream" } });
  return `${begun.source}/${name}`;
}

const changes = new Set<() => void>();

/** Tell the page that this page itself has changed the catalogue. */
export function changed(): void {
  for (const told of changes) told();
}

/** Call `told` whenever the catalogue has changed, by this page or by others; gives a function that stops it. */
export function events(told: () => void): { stop: () => void; begun: Promise<void> } {
  let last: string | null = null; // nothing was read yet; a log without lines gives an empty text
  let stopped = false;
  const controller = new AbortController();
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const look = async (): Promise<void> => {
    while (!stopped) {
      let pause = 4000;
      if (document.visibilityState === "visible") {
        try {
          const { rows } = await json<Rows<{ id: number }>>("log", { query: { limit: 1 }, signal: controller.signal });
          const now = String(rows[0]?.id ?? "");
          if (last !== null && now !== last) told();
          last = now;
        } catch (error) {
          if (isAborted(error) || (error instanceof Refused && error.status === 403)) return begin();
          pause = 1000; // the server is away, or the session has ended
        }
      }
      begin();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  };
  changes.add(told);
  void look();
  const stop = (): void => {
    stopped = true;
    controller.abort();
    changes.delete(told);
  };
  return { stop, begun };
}
