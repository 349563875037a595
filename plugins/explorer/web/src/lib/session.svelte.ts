// What the page knows of the workspace: who asks, what he may do, the fields, the schema; and the choices of the reader, kept in the browser.

import { fieldsAndFunctions, me as readMe, schema as readSchema, viewers as readViewers } from "./api";
import { place } from "./place.svelte";
import type { Field, FunctionOffer, Me, SchemaKey, ViewerOffer } from "./api";

const USUAL = ["kind", "folder", "collections", "captured_at", "width", "metric.brightness", "metric.sharpness"];

function kept<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(`heron.${name}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(`heron.${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing shows the defaults again.
  }
}

class Session {
  me = $state<Me | null>(null);
  fields = $state<Field[]>([]);
  functions = $state<FunctionOffer[]>([]);
  schema = $state<SchemaKey[]>([]);
  viewers = $state<ViewerOffer[]>([]);
  connected = $state(true);
  /** Whether the server does not know the user any more: the session has expired. */
  expired = $state(false);
  /** Grows when something in the catalogue has changed. */
  version = $state(0);
  #facets = $state<string[] | null>(kept("facets", null));
  #captions = $state<string[]>(kept("captions", []));
  /** Fields under each tile and in the table: those of the address, else those that the reader chose last. */
  captions = $derived(place.list("captions") ?? this.#captions);
  size = $state<number>(kept("size", 180));
  theme = $state<"" | "light" | "dark">(kept("theme", ""));

  facets = $derived(
    place.list("facets") ?? this.#facets ?? [...new Set([
      ...USUAL.filter((name) => name === "collections" || this.fields.some((field) => field.name === name)),
      ...this.schema.filter((key) => ["enum", "boolean", "number", "datetime", "varchar", "text", "geospatial"].includes(key.type)).map((key) => key.name),
    ])].slice(0, 16),
  );

  async load(): Promise<void> {
    const [me, [fields, functions], schema, viewers] = await Promise.all([readMe(), fieldsAndFunctions(), readSchema(), readViewers()]);
    [this.me, this.fields, this.functions, this.schema, this.viewers] = [me, fields, functions, schema, viewers];
  }

  /** Read anew what may have changed: rights, and with another schema the fields. */
  async refresh(): Promise<void> {
    const [me, schema] = await Promise.all([readMe(), readSchema()]);
    this.me = me;
    if (JSON.stringify(schema) === JSON.stringify(this.schema)) return;
    [this.fields, this.functions] = await fieldsAndFunctions();
    this.schema = schema;
  }

  /** Whether the user may do everything, so that nothing needs to be asked of single records. */
  get rules(): boolean {
    return !this.me?.readOnly && (this.me?.may.schema?.includes("update") ?? false);
  }

  /** Whether the user may do such things at all; to single records `allowedOn` says it. */
  may(what: "collections" | "datasets" | "metadata" | "frames" | "folders" | "imports" | "projects" | "presets" | "schema" | "integrations" | "members"): boolean {
    const me = this.me;
    if (!me || me.readOnly) return false;
    if (what === "metadata" || what === "frames") return true;
    const [noun, verb] = { collections: ["collection", "create"], datasets: ["dataset", "create"], folders: ["folder", "create"], imports: ["import", "create"], projects: ["project", "create"], presets: ["preset", "create"], schema: ["schema", "update"], integrations: ["integration", "create"], members: ["user", "create"] }[what] ?? ["", ""];
    return me.may[noun ?? ""]?.includes(verb ?? "") ?? false;
  }

  showFacet(name: string): void {
    this.#setFacets([...this.facets, name]);
  }

  hideFacet(name: string): void {
    this.#setFacets(this.facets.filter((one) => one !== name));
  }

  #setFacets(names: string[]): void {
    keep("facets", (this.#facets = names));
    place.setList("facets", names);
  }

  setCaptions(names: string[]): void {
    keep("captions", (this.#captions = names));
    place.setList("captions", names);
  }

  setSize(size: number): void {
    this.size = size;
    keep("size", size);
  }

  setTheme(theme: "" | "light" | "dark"): void {
    this.theme = theme;
    keep("theme", theme);
    document.documentElement.dataset.theme = theme;
  }
}

export const session = new Session();
