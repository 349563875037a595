// What a reader types for a key of the schema, as the value that is sent; whether it is right is said by the server.

export function entered(type: string, text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (type === "boolean") return trimmed === "true";
  if (type !== "number") return text;
  const plain = /^[-+]?\d*,\d+$/.test(trimmed) && decimal === "," ? trimmed.replace(",", ".") : trimmed;
  return Number.isNaN(Number(plain)) ? text : Number(plain);
}

const decimal = new Intl.NumberFormat().formatToParts(1.5).find((part) => part.type === "decimal")?.value ?? ".";

export const HINTS: Record<string, string> = { datetime: "2026-01-31T12:00:00Z", geospatial: "36.75, 3.06 (latitude, longitude)" };
