// Live figures and charts: one sample a second, the last five minutes.

import { bytes, element, get } from "./api.js";

const KEPT = 300;
const SHORTEST = 60; // s on the charts' time axis, as long as there are few samples
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power);
const COLORS = ["#d33", "#36c", "#2a2", "#c80"];
const number = (value) => value == null ? "–" : value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toFixed(1);
const clock = (seconds) => seconds == null ? "–" : new Date(seconds * 1000).toLocaleTimeString("en", { hour12: false });

// Title, how its values read, and its lines: [label, value of a sample].
const CHARTS = [
  ["Commands per second", number, [["commands", (now) => now.rate("total_commands_processed")]]],
  ["Latency, µs", number, [["p50", (now) => now.percentile(0.5)], ["p99", (now) => now.percentile(0.99)],
    ["p99.9", (now) => now.percentile(0.999)]]],
  ["Memory", bytes, [["data", (now) => now.field("used_memory")], ["resident", (now) => now.field("used_memory_rss")]]],
  ["Hit rate, %", number, [["hits", (now) => now.hitRate()]]],
  ["Clients", number, [["connected", (now) => now.field("connected_clients")], ["blocked", (now) => now.field("blocked_clients")]]],
  ["Network, per second", bytes, [["in", (now) => now.rate("total_net_input_bytes")], ["out", (now) => now.rate("total_net_output_bytes")]]],
  ["Expired and evicted per second", number, [["expired", (now) => now.rate("expired_keys")], ["evicted", (now) => now.rate("evicted_keys")]]],
];

class Sample {
  constructor(data, before) {
    this.time = Date.now() / 1000;
    this.info = data.info;
    this.latency = new Map(data.latency);
    this.before = before;
  }
  field(name) { return Number(this.info[name] ?? NaN); }
  rate(name) {
    if (!this.before) return null;
    const grown = this.field(name) - this.before.field(name);
    return Math.max(grown, 0) / (this.time - this.before.time);
  }
  hitRate() {
    const hits = this.rate("keyspace_hits"), misses = this.rate("keyspace_misses");
    return hits + misses > 0 ? 100 * hits / (hits + misses) : null;
  }
  percentile(share) {
    if (!this.before) return null;
    const grown = [...this.latency].map(([duration, calls]) => [duration, calls - (this.before.latency.get(duration) ?? 0)])
      .filter(([, calls]) => calls > 0).sort((a, b) => a[0] - b[0]);
    let left = share * grown.reduce((sum, [, calls]) => sum + calls, 0);
    for (const [duration, calls] of grown) if ((left -= calls) <= 0) return duration;
    return null;
  }
}

export class Overview {
  constructor(figures, place) {
    this.figures = figures;
    this.last = null;
    this.charts = CHARTS.map((definition) => this.chart(place, ...definition));
    new ResizeObserver(() => this.charts.forEach(({ plot, box }) => plot.setSize({ width: box.clientWidth, height: 180 })))
      .observe(place);
  }

  chart(place, title, format, lines) {
    const box = element("div");
    place.append(element("div", { className: "chart" }, element("h2", {}, title), box));
    const color = () => getComputedStyle(document.body).color;
    const axis = { stroke: color, grid: { stroke: "#8883", width: 1 }, ticks: { stroke: "#8883" } };
    const series = lines.map(([label], index) => ({ label, stroke: COLORS[index], width: 1.5, value: (_, v) => v == null ? "–" : format(v) }));
    const plot = new uPlot({
      width: box.clientWidth || 400, height: 180, series: [{ label: "time", value: (_, seconds) => clock(seconds) }, ...series], cursor: { drag: { x: false, y: false } },
      axes: [{ ...axis, space: 90, values: (_, values) => values.map(clock) },
        { ...axis, size: 76, values: (_, values) => values.map(format), ...(format === bytes ? { incrs: POWERS_OF_TWO } : {}) }],
      scales: { x: { range: (_, low, high) => [Math.min(low, high - SHORTEST), high] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    }, [[], ...lines.map(() => [])], box);
    return { plot, box, lines, data: [[], ...lines.map(() => [])] };
  }

  async refresh() {
    const now = new Sample(await get("sample"), this.last);
    this.last = now;
    now.before && (now.before.before = null);
    for (const { plot, lines, data } of this.charts) {
      data[0].push(now.time);
      lines.forEach(([, value], index) => { const v = value(now); data[index + 1].push(Number.isNaN(v) ? null : v); });
      if (data[0].length > KEPT) data.forEach((column) => column.shift());
      plot.setData(data);
    }
    this.show(now);
  }

  show(now) {
    const keys = Object.entries(now.info).filter(([name]) => /^db\d+$/.test(name))
      .reduce((sum, [, text]) => sum + Number(/keys=(\d+)/.exec(text)?.[1] ?? 0), 0);
    const figures = {
      [now.info.redracer_version ? "redracer" : "Redis"]: now.info.redracer_version ?? now.info.redis_version,
      Role: now.info.role, Uptime: `${Math.floor(now.field("uptime_in_seconds") / 60)} min`, Keys: keys.toLocaleString("en"),
      "Commands/s": number(now.rate("total_commands_processed")), Memory: bytes(now.field("used_memory")),
      Resident: bytes(now.field("used_memory_rss")), Clients: now.info.connected_clients,
    };
    this.figures.replaceChildren(...Object.entries(figures).map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value ?? "–"))));
  }
}
