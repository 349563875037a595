// Exports: a file that the server makes is fetched with its progress, and then saved by the browser.

import { things } from "./api";
import { ask } from "./http";
import { bytes } from "./format";
import type { Target } from "./target";

type Tell = (said: string) => void;

/** Save a dataset, or a version of one, in a format. */
export async function saveDataset(title: string, format: string, more: Record<string, string>, tell: Tell, signal: AbortSignal): Promise<void> {
  await saved(await ask(`datasets/${encodeURIComponent(title)}/export`, { query: { format, ...more }, signal }), `${title}.${format}`, tell);
}

/** Save a part of the workspace, or a dataset of it, as one file that `heron merge` takes elsewhere. */
export async function savePart(name: string, part: Target | { dataset: string }, media: boolean, tell: Tell, signal: AbortSignal): Promise<void> {
  const given = "dataset" in part ? { dataset: part.dataset } : { items: things(part) };
  await saved(await ask("portable", { query: { filename: name }, body: { ...given, media }, signal }), name, tell);
}

async function saved(answer: Response, otherwise: string, tell: Tell): Promise<void> {
  const whole = Number(answer.headers.get("content-length") ?? 0);
  const named = /filename\*=utf-8''([^;]+)/i.exec(answer.headers.get("content-disposition") ?? "")?.[1];
  const plain = /filename="([^"]+)"/i.exec(answer.headers.get("content-disposition") ?? "")?.[1];
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let got = 0;
  const reader = answer.body?.getReader();
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    parts.push(piece.value);
    got += piece.value.length;
    tell(whole ? `${bytes(got)} of ${bytes(whole)}` : bytes(got));
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "application/octet-stream" }));
  link.download = named ? decodeURIComponent(named) : (plain ?? otherwise);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
