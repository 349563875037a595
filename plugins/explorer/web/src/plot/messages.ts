// What the page and the frame with the points tell each other.

/** What a drag over the points does: it selects what its line surrounds, or a rectangle, or it moves the picture. */
export type Drag = "lasso" | "box" | "pan";

/** To the frame. Coordinates are from -1 to 1; `colours` has an index into `palette` for each point. */
export type ToFrame =
  | { what: "points"; x: Float32Array; y: Float32Array; colours: Float32Array | null; palette: string[]; dark: boolean }
  | { what: "colours"; colours: Float32Array | null; palette: string[] }
  | { what: "allowed"; rows: Uint32Array | null }
  | { what: "select"; rows: number[] }
  | { what: "drag"; does: Drag }
  | { what: "theme"; dark: boolean }
  | { what: "whole" };

/** From the frame. Rows are positions in the arrays of the points; `x` and `y` are pixels in the frame. */
export type FromFrame =
  | { what: "ready" }
  | { what: "drawn"; milliseconds: number }
  | { what: "hover"; row: number | null; x: number; y: number }
  | { what: "select"; rows: number[] }
  | { what: "fault"; message: string };
