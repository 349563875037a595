// The query of the Explorer: what is searched, how it is filtered and sorted. It is read from the address and written into it.

import { place } from "./place.svelte";

/** One filter that a facet made: some of its values, a range, the start of a text, or a box on the map. */
export type Filter =
  | { values: (string | number | boolean | null)[] }
  | { from: number | string | null; below: number | string | null; closed?: boolean }
  | { prefix: string }
  | { words: string }
  | { south: number; north: number; west: number; east: number };

export interface Source {
  kind: "folder" | "collection" | "dataset" | "project";
  name: string;
}

/** What the server is asked with: the body of a search, a count or facets. */
export interface Asked {
  where?: string;
  text?: string;
  like?: string;
  folder?: string;
  collection?: string;
  dataset?: string;
  project?: string;
  sort?: string;
  frames?: boolean;
  key?: string;
}

export function literal(value: string | number | boolean | null): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  return String(value);
}

const MEMBERSHIPS: Record<string, string> = { collections: "in_collection", datasets: "in_dataset", projects: "in_project" };

/** A name as it is written in a condition. */
export function written(name: string): string {
  return /[^A-Za-z0-9_.]|^\d/.test(name) ? `"${name}"` : name;
}

/** A filter as a condition of Heron's query language. */
export function condition(name: string, filter: Filter): string {
  const field = written(name);
  const within = MEMBERSHIPS[name];
  if (within && "values" in filter) {
    const parts = filter.values.map((title) => `${within}(${literal(String(title))})`);
    return parts.length > 1 ? `(${parts.join(" OR ")})` : (parts[0] ?? "");
  }
  if ("values" in filter) {
    const some = filter.values.filter((one) => one !== null);
    const parts = [];
    if (some.length === 1) parts.push(`${field} = ${literal(some[0] ?? null)}`);
    else if (some.length) parts.push(`${field} IN (${some.map(literal).join(", ")})`);
    if (filter.values.includes(null)) parts.push(`${field} IS NULL`);
    return parts.length > 1 ? `(${parts.join(" OR ")})` : (parts[0] ?? "");
  }
  if ("prefix" in filter) {
    const text = filter.prefix.replaceAll("\\", "\\\\").replaceAll("%", "\\%").replaceAll("_", "\\_");
    return `${field} LIKE ${literal(`${text}%`)}${text === filter.prefix ? "" : " ESCAPE '\\'"}`;
  }
  if ("south" in filter) {
    const { south, north, west, east } = filter;
    return `latitude(${field}) BETWEEN ${south} AND ${north} AND longitude(${field}) BETWEEN ${west} AND ${east}`;
  }
  if ("words" in filter) return `match(${field}, ${literal(filter.words)})`;
  const parts = [];
  if (filter.from !== null) parts.push(`${field} >= ${literal(filter.from)}`);
  if (filter.below !== null) parts.push(`${field} ${filter.closed ? "<=" : "<"} ${literal(filter.below)}`);
  return parts.join(" AND ");
}

function filtersOf(text: string): Record<string, Filter> {
  if (!text) return {};
  try {
    const found = JSON.parse(text) as unknown;
    return typeof found === "object" && found !== null ? (found as Record<string, Filter>) : {};
  } catch {
    return {};
  }
}

class Query {
  where = $derived(place.get("where"));
  text = $derived(place.get("text"));
  like = $derived(place.get("like"));
  sort = $derived(place.get("sort"));
  key = $derived(place.get("key"));
  frames = $derived(place.get("mode") === "frames");
  filters = $derived(filtersOf(place.get("filters")));
  source = $derived.by<Source | null>(() => {
    const [kind, ...rest] = place.get("in").split(":");
    return kind && rest.length ? ({ kind, name: rest.join(":") } as Source) : null;
  });

  /** The whole condition: what was typed, and the filters of the facets except that of one field. */
  condition(except = ""): string {
    const parts = Object.entries(this.filters)
      .filter(([field]) => field !== except)
      .map(([field, filter]) => condition(field, filter))
      .filter(Boolean);
    if (this.where.trim()) parts.unshift(parts.length ? `(${this.where})` : this.where);
    return parts.join(" AND ");
  }

  asked(except = ""): Asked {
    const where = this.condition(except);
    return {
      ...(where ? { where } : {}),
      ...(this.text ? { text: this.text } : {}),
      ...(this.like ? { like: this.like } : {}),
      ...(this.source ? { [this.source.kind]: this.source.name } : {}),
      ...(this.sort ? { sort: this.sort } : {}),
      ...(this.frames ? { frames: true } : {}),
      ...(this.key ? { key: this.key } : {}),
    };
  }

  /** One text for everything that changes the result; equal texts find equal items. */
  fingerprint = $derived(JSON.stringify(this.asked()));

  setFilter(field: string, filter: Filter | null): void {
    const next = { ...this.filters };
    if (filter && condition(field, filter)) next[field] = filter;
    else delete next[field];
    place.set({ filters: Object.keys(next).length ? JSON.stringify(next) : "" });
  }

  toggle(field: string, value: string | number | boolean | null): void {
    const filter = this.filters[field];
    const values = filter && "values" in filter ? filter.values : [];
    const next = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
    this.setFilter(field, next.length ? { values: next } : null);
  }

  get narrowed(): boolean {
    return Boolean(this.where || this.text || this.like || Object.keys(this.filters).length);
  }

  clear(): void {
    place.set({ where: "", text: "", like: "", filters: "" });
  }

  /** Show everything again, in the usual order: the way out of a query that cannot be answered. */
  reset(): void {
    place.set({ where: "", text: "", like: "", filters: "", sort: "", in: "", key: "" });
  }
}

export const query = new Query();
