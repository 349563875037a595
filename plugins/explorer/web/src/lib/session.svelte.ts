// What the page knows of the workspace: who asks, what he may do, the fields, the schema; and the choices of the reader, kept in the browser.

import { fieldsAndFunctions, me as readMe, schema as readSchema, viewers as readViewers } from "./api";
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
  /** Grows when something in the catalogue has changed. */
  version = $state(0);
  chosen = $state<string[] | null>(kept("facets", null));
  captions = $state<string[]>(kept("captions", []));
  size = $state<number>(kept("size", 180));
  theme = $state<"" | "light" | "dark">(kept("theme", ""));

  facets = $derived(
    this.chosen ?? [...new Set([
      ...USUAL.filter((name) => name === "collections" || this.fields.some((field) => field.name === name)),
      ...this.schema.filter((key) => ["enum", "boolean", "number", "datetime", "varchar"].includes(key.type)).map((key) => key.name),
    ])].slice(0, 14),
  );

  async load(): Promise<void> {
    const [me, [fields, functions], schema, viewers] = await Promise.all([readMe(), fieldsAndFunctions(), readSchema(), readViewers()]);
    [this.me, this.fields, this.functions, this.schema, this.viewers] = [me, fields, functions, schema, viewers];
  }

  may(what: "collections" | "datasets" | "metadata" | "frames" | "folders" | "imports" | "projects" | "schema" | "integrations" | "members"): boolean {
    return this.me?.may[what] ?? false;
  }

  showFacet(name: string): void {
    this.chosen = [...this.facets, name];
    keep("facets", this.chosen);
  }

  hideFacet(name: string): void {
    this.chosen = this.facets.filter((one) => one !== name);
    keep("facets", this.chosen);
  }

  setCaptions(names: string[]): void {
    this.captions = names;
    keep("captions", names);
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
