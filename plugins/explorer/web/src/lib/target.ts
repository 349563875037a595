// What a change is about: the selected items by UUID, or all that the query finds except some.

import { query, type Asked } from "./query.svelte";
import { selection } from "./selection.svelte";

export type Target = { items: string[] } | { query: Asked; except: string[] };

export function target(): Target {
  return selection.all ? { query: query.asked(), except: [...selection.except] } : { items: [...selection.some] };
}
