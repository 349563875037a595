// Requests to the server: one place that knows its address, its errors, and whether it is there.

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
    readonly hint: string = "",
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {}

export const BASE = new URL("../api/v1/", document.baseURI).pathname;

/** Whether the server answers, and whether it knows the user. */
export type Connection = "there" | "away" | "expired";
type Listener = (now: Connection) => void;
const listeners = new Set<Listener>();

export function onConnection(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function told(now: Connection): void {
  for (const listener of listeners) listener(now);
}

export interface Options {
  method?: string;
  body?: unknown;
  query?: Record<string, unknown>;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

export function address(path: string, query: Record<string, unknown> = {}): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) found.append(name, String(one));
  }
  const text = found.toString();
  return BASE + path + (text ? `?${text}` : "");
}

export async function ask(path: string, options: Options = {}): Promise<Response> {
  const { body } = options;
  const raw = body instanceof Blob || body instanceof FormData || typeof body === "string";
  let answer: Response;
  try {
    answer = await fetch(address(path, options.query), {
      method: options.method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        accept: "application/json, */*",
        ...(body !== undefined && !raw ? { "content-type": "application/json" } : {}),
        ...options.headers,
      },
      body: body === undefined ? null : raw ? (body as BodyInit) : JSON.stringify(body),
      signal: options.signal ?? null,
      credentials: "same-origin",
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    told("away");
    throw new Unreachable("The server does not answer. The page tries again by itself.");
  }
  told(answer.status === 401 ? "expired" : "there");
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer: Response): Promise<Refused> {
  try {
    const found = (await answer.json()) as Record<string, unknown>;
    const inner = (typeof found.error === "object" && found.error ? found.error : found) as Record<string, unknown>;
    const kind = String(inner.type ?? inner.error ?? inner.kind ?? "");
    return new Refused(answer.status, kind, String(inner.message ?? answer.statusText), String(inner.hint ?? ""), inner);
  } catch {
    return new Refused(answer.status, "", `The server answered ${answer.status} ${answer.statusText}.`);
  }
}

export async function json<T>(path: string, options: Options = {}): Promise<T> {
  const answer = await ask(path, options);
  return (answer.status === 204 ? null : await answer.json()) as T;
}

export async function buffer(path: string, options: Options = {}): Promise<[ArrayBuffer, Headers]> {
  const answer = await ask(path, options);
  return [await answer.arrayBuffer(), answer.headers];
}

/** What went wrong, as sentences for people. */
export function sentence(error: unknown): string {
  if (!(error instanceof Refused)) return error instanceof Error ? error.message : String(error);
  return [error.message, error.hint].filter(Boolean).map(asSentence).join(" ");
}

export function asSentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Why an address that an element could not show has no picture, in the server's words. */
export async function reason(at: string): Promise<string> {
  try {
    const answer = await fetch(at, { headers: { accept: "application/json, */*" } });
    if (!answer.ok) return sentence(await refusal(answer));
    await answer.body?.cancel();
    return answer.status === 204 ? "There is no picture of this." : "The browser cannot show this picture.";
  } catch {
    told("away");
    return "The server does not answer.";
  }
}
