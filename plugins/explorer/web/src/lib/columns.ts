// Binary columns, as the server sends them: a head of JSON behind the mark HRNC, then the arrays.

export interface Column {
  numbers?: Float32Array | Float64Array | Int32Array;
  texts?: string[];
  values?: unknown[];
  times?: boolean;
}

interface Told {
  name: string;
  type: "float32" | "float64" | "int32" | "uuid" | "text" | "category";
  offset: number;
  bytes: number;
  values?: unknown[];
  times?: boolean;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The columns of the first block. */
export function read(buffer: ArrayBuffer): { rows: number; columns: Record<string, Column> } {
  const view = new DataView(buffer);
  if (buffer.byteLength < 16 || view.getUint32(0) !== 0x48524e43) throw new Error("The server did not send columns.");
  const length = view.getUint32(4, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 16, length))) as { rows: number; columns: Told[] };
  const body = 16 + length;
  return { rows: head.rows, columns: Object.fromEntries(head.columns.map((told) => [told.name, column(buffer, body, told, head.rows)])) };
}

function column(buffer: ArrayBuffer, body: number, told: Told, rows: number): Column {
  const start = body + told.offset;
  if (told.type === "float32") return { numbers: new Float32Array(buffer.slice(start, start + told.bytes)) };
  if (told.type === "float64") return { numbers: new Float64Array(buffer.slice(start, start + told.bytes)), times: told.times ?? false };
  if (told.type === "int32") return { numbers: new Int32Array(buffer.slice(start, start + told.bytes)) };
  if (told.type === "category") return { numbers: new Int32Array(buffer.slice(start, start + told.bytes)), values: told.values ?? [] };
  const bytes = new Uint8Array(buffer, start, told.bytes);
  if (told.type === "uuid") return { texts: Array.from({ length: rows }, (_, row) => uuid(bytes, row * 16)) };
  const ends = new Uint32Array(buffer.slice(start, start + 4 * rows));
  const decoder = new TextDecoder();
  return { texts: Array.from(ends, (end, row) => decoder.decode(bytes.subarray(4 * rows + (row ? (ends[row - 1] ?? 0) : 0), 4 * rows + end))) };
}

function uuid(bytes: Uint8Array, at: number): string {
  let text = "";
  for (let place = 0; place < 16; place += 1) {
    if (place === 4 || place === 6 || place === 8 || place === 10) text += "-";
    text += HEX[bytes[at + place] ?? 0];
  }
  return text;
}
