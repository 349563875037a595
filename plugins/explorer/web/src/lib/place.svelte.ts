// Where the page is: everything that is shown stands in the address, so that back, forward and a pasted link show the same.

export type Page =
  | "explore"
  | "folders"
  | "imports"
  | "collections"
  | "datasets"
  | "projects"
  | "schema"
  | "integrations"
  | "members"
  | "plugins";

function read(): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(location.search));
}

class Place {
  parameters = $state<Record<string, string>>(read());

  constructor() {
    window.addEventListener("popstate", () => {
      this.parameters = read();
    });
  }

  get page(): Page {
    return (this.parameters.page as Page) || "explore";
  }

  get(name: string): string {
    return this.parameters[name] ?? "";
  }

  /** Change some parameters; an empty value removes one. `replace` makes no entry in the history. */
  set(changes: Record<string, string | null | undefined>, replace = false): void {
    const next = { ...this.parameters };
    for (const [name, value] of Object.entries(changes)) {
      if (value) next[name] = value;
      else delete next[name];
    }
    this.#show(next, replace);
  }

  /** A list of names, or null where the address has none; a dash stands for an empty one. */
  list(name: string): string[] | null {
    const text = this.get(name);
    return text === "" ? null : text === "-" ? [] : text.split(",").map((one) => one.replaceAll("%2C", ",").replaceAll("%25", "%"));
  }

  setList(name: string, names: string[]): void {
    this.set({ [name]: names.map((one) => one.replaceAll("%", "%25").replaceAll(",", "%2C")).join(",") || "-" }, true);
  }

  /** Go to a page with these parameters and no others. */
  go(page: Page, parameters: Record<string, string> = {}): void {
    this.#show({ ...(page === "explore" ? {} : { page }), ...parameters }, false);
  }

  href(page: Page, parameters: Record<string, string> = {}): string {
    const text = new URLSearchParams({ ...(page === "explore" ? {} : { page }), ...parameters }).toString();
    return text ? `?${text}` : location.pathname;
  }

  #show(next: Record<string, string>, replace: boolean): void {
    const text = new URLSearchParams(next).toString();
    const target = location.pathname + (text ? `?${text}` : "");
    if (target === location.pathname + location.search) return;
    history[replace ? "replaceState" : "pushState"](null, "", target);
    this.parameters = next;
  }
}

export const place = new Place();
