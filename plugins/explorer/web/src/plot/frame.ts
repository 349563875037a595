// The points of a projection, drawn by WebGL in a page of its own. The library writes functions as texts, which only this page allows: it has
// no origin, sees no data but coordinates, and reaches no address.
import createScatterplot from "regl-scatterplot";

import type { FromFrame, ToFrame } from "./messages";

const space = document.createElement("div");
const canvas = document.createElement("canvas");
document.body.style.margin = "0";
document.body.style.overflow = "hidden";
space.style.height = "100vh";
canvas.style.display = "block";
space.append(canvas);
document.body.append(space);

function tell(message: FromFrame): void {
  parent.postMessage(message, "*");
}

let silent = false;
const plot = createScatterplot({
  canvas,
  width: "auto",
  height: "auto",
  pointSize: 3,
  pointSizeSelected: 3,
  pointOutlineWidth: 1,
  opacityInactiveScale: 0.4,
  lassoOnLongPress: true,
  lassoInitiator: false,
  performanceMode: false,
});

plot.subscribe("select", ({ points }: { points: number[] }) => {
  if (!silent) tell({ what: "select", rows: points });
});
plot.subscribe("deselect", () => {
  if (!silent) tell({ what: "select", rows: [] });
});
plot.subscribe("pointOver", (row: number) => {
  const [x, y] = plot.getScreenPosition(row) ?? [0, 0];
  tell({ what: "hover", row, x, y });
});
plot.subscribe("pointOut", () => tell({ what: "hover", row: null, x: 0, y: 0 }));

function coloured(colours: Float32Array | null, palette: string[]): void {
  plot.set({ pointColor: palette, colorBy: colours ? "valueA" : null });
}

function shade(dark: boolean): void {
  const ground = dark ? "#0c1117" : "#eceff3";
  document.body.style.background = ground;
  plot.set({ backgroundColor: ground });
}

let points: { x: Float32Array; y: Float32Array } | null = null;

async function draw(colours: Float32Array | null, palette: string[]): Promise<void> {
  if (!points) return;
  const begin = performance.now();
  coloured(colours, palette);
  const many = points.x.length;
  plot.set({ pointSize: many > 200_000 ? 1.5 : many > 20_000 ? 2.5 : many > 1_000 ? 4 : 7, opacity: many > 200_000 ? 0.35 : 0.75 });
  await plot.draw({ x: points.x, y: points.y, ...(colours ? { z: colours } : {}) }, { zDataType: "categorical" });
  tell({ what: "drawn", milliseconds: performance.now() - begin });
}

/** Show all points, whatever the shape of the frame. */
async function whole(): Promise<void> {
  await plot.zoomToArea({ x: -1, y: -1, width: 2, height: 2 });
}

async function take(message: ToFrame): Promise<void> {
  if (message.what === "points") {
    points = { x: message.x, y: message.y };
    shade(message.dark);
    await draw(message.colours, message.palette);
    await whole();
  } else if (!points) return;
  else if (message.what === "colours") await draw(message.colours, message.palette);
  else if (message.what === "allowed") {
    // Neither is waited for: the library answers only where something changes.
    if (message.rows) void plot.filter([...message.rows], { preventEvent: true });
    else void plot.unfilter({ preventEvent: true });
    canvas.dataset.shown = String(message.rows?.length ?? points.x.length);
  } else if (message.what === "select") {
    silent = true;
    if (message.rows.length) plot.select(message.rows, { preventEvent: true });
    else plot.deselect({ preventEvent: true });
    silent = false;
    canvas.dataset.selected = String(message.rows.length);
  } else if (message.what === "drag") {
    const drag = { mouseMode: message.does === "pan" ? "panZoom" : "lasso", lassoType: message.does === "box" ? "rectangle" : "freeform" } as const;
    plot.set(drag); // the types of the library lack `lassoType`
    canvas.dataset.drag = message.does;
  } else if (message.what === "theme") shade(message.dark);
  else await whole();
}

// One after the other: drawing is asynchronous, and the library refuses to draw while it draws.
let last: Promise<void> = Promise.resolve();
addEventListener("message", (event: MessageEvent<ToFrame>) => {
  if (event.source !== parent) return;
  last = last.then(() => take(event.data)).catch((error: unknown) => tell({ what: "fault", message: String(error) }));
});
tell({ what: "ready" });
