// Requests to the dashboard's own API, and what all panels need to show text.

let token = "";

export class Refused extends Error {
  constructor(text, status) { super(text); this.status = status; }
}

// Bytes that are no UTF-8 come as lone surrogates U+DC80 to U+DCFF, one a byte.
function percentEncoded(text) {
  const bytes = new TextEncoder();
  let result = "";
  for (const character of text) {
    const code = character.codePointAt(0);
    if (code >= 0xdc80 && code <= 0xdcff) result += "%" + (code - 0xdc00).toString(16);
    else for (const byte of bytes.encode(character)) result += "%" + byte.toString(16).padStart(2, "0");
  }
  return result;
}

export function address(path, parameters = {}) {
  const query = Object.entries(parameters).filter(([, value]) => value !== "" && value != null)
    .map(([name, value]) => `${name}=${percentEncoded(String(value))}`).join("&");
  return `/api/${path}${query ? "?" + query : ""}`;
}

async function answer(response) {
  const value = await response.json().catch(() => ({ error: response.statusText }));
  if (!response.ok) throw new Refused(value.error || response.statusText, response.status);
  return value;
}

export async function get(path, parameters) {
  return answer(await fetch(address(path, parameters)));
}

export async function post(path, values = {}) {
  const body = JSON.stringify(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])));
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
  return answer(await fetch(address(path), { method: "POST", headers, body }));
}

export function useToken(value) { token = value; }

// Text as people can read it: what cannot be shown is \x and its byte.
export function readable(text) {
  return String(text).replace(/[\udc80-\udcff](?<![\ud800-\udbff].)|[\x00-\x08\x0b-\x1f\x7f]/g, (character) =>
    "\\x" + (character.charCodeAt(0) & 0xff).toString(16).padStart(2, "0"));
}

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value; else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

export function table(headings, rows) {
  const head = element("tr", {}, ...headings.map((text) => element("th", { scope: "col" }, text)));
  const cell = (value) => value instanceof Node ? element("td", {}, value)
    : element("td", { className: typeof value === "number" ? "number" : "data" }, readable(value ?? ""));
  const body = rows.map((row) => element("tr", {}, ...row.map(cell)));
  return element("div", { className: "wide" },
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}

export function bytes(count) {
  if (count == null || Number.isNaN(count)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1; }
  return `${unit ? count.toFixed(1) : count} ${units[unit]}`;
}

export function duration(milliseconds) {
  if (milliseconds == null) return "no expiry";
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}
