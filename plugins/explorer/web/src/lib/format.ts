// Numbers, sizes and times as the locale of the browser writes them.

const whole = new Intl.NumberFormat();
const fine = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 });
const hundredths = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const DATE = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/;

export function count(value: number): string {
  return whole.format(value);
}

export function compact(value: number): string {
  return value < 10_000 ? whole.format(value) : short.format(value);
}

export function number(value: number): string {
  return Number.isInteger(value) ? whole.format(value) : fine.format(value);
}

export function bytes(value: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return new Intl.NumberFormat(undefined, {
    style: "unit",
    unit: units[power],
    unitDisplay: "short",
    maximumFractionDigits: power ? 1 : 0,
  }).format(value / 1000 ** power);
}

export function seconds(value: number): string {
  const minutes = Math.floor(value / 60);
  if (!minutes) return `${hundredths.format(value)} s`;
  return `${minutes}:${String(Math.floor(value - minutes * 60)).padStart(2, "0")}`;
}

export function time(value: string): string {
  return moment.format(new Date(value));
}

export function date(value: string): string {
  return day.format(new Date(value));
}

/** Any value of a record, as people read it. */
export function value(found: unknown): string {
  if (found === null || found === undefined) return "—";
  if (typeof found === "number") return number(found);
  if (typeof found === "boolean") return found ? "yes" : "no";
  if (typeof found === "string") return DATE.test(found) && found.includes("T") ? time(found) : found;
  if (Array.isArray(found) && found.length > 12) return `${found.slice(0, 12).map(value).join(", ")}, … (${count(found.length)})`;
  if (Array.isArray(found)) return found.map(value).join(", ");
  if (isPlace(found)) return `${number(found.latitude)}, ${number(found.longitude)}`;
  return JSON.stringify(found);
}

function isPlace(found: unknown): found is { latitude: number; longitude: number } {
  return typeof found === "object" && found !== null && "latitude" in found && "longitude" in found;
}

export function plural(many: number, one: string, more = `${one}s`): string {
  return `${count(many)} ${many === 1 ? one : more}`;
}

const GAPS: [Intl.RelativeTimeFormatUnit, number][] = [["year", 31_557_600], ["month", 2_629_800], ["day", 86_400], ["hour", 3600], ["minute", 60]];
const gap = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** How long ago something was, as people say it. */
export function ago(value: string): string {
  const past = (new Date(value).getTime() - Date.now()) / 1000;
  for (const [unit, size] of GAPS) if (Math.abs(past) >= size) return gap.format(Math.round(past / size), unit);
  return gap.format(0, "minute");
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
