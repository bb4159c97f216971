// The panels that are tables, the console, and what is published.

import { address, element, get, post, readable, table } from "./api.js";

const LINES = 500; // kept of a transcript and of messages

export async function slowLog(place, notify) {
  const entries = await get("slowlog");
  const reset = element("button", { type: "button" }, "Empty it");
  reset.addEventListener("click", () => post("slowlog/reset").then(() => slowLog(place, notify)).catch(notify));
  const rows = entries.map((entry) => [entry.id, new Date(entry.time * 1000).toLocaleString(), entry.microseconds,
    entry.arguments.join(" "), `${entry.address} ${entry.client}`]);
  place.replaceChildren(element("form", {}, reset), table(["id", "time", "µs", "command", "client"], rows));
}

export async function clients(place, notify) {
  const shown = ["id", "addr", "name", "user", "age", "idle", "db", "cmd", "flags", "tot-mem"];
  const rows = (await get("clients")).map((client) => {
    const kill = element("button", { type: "button", className: "danger" }, "Kill");
    kill.addEventListener("click", () => {
      if (confirm(`Close the connection of client ${client.id} (${client.addr})?`)) {
        post("clients/kill", { id: client.id }).then(() => clients(place, notify)).catch(notify);
      }
    });
    return [...shown.map((name) => client[name]), kill];
  });
  place.replaceChildren(table([...shown, ""], rows));
}

export async function configuration(place, notify) {
  const options = await get("config");
  const filter = element("input", { placeholder: "Part of a name", "aria-label": "Part of a name" });
  const list = element("div");
  const draw = () => {
    const rows = options.filter(([name]) => name.includes(filter.value.toLowerCase())).map(([name, value]) => {
      const input = element("input", { value, "aria-label": name, spellcheck: false });
      const form = element("form", {}, input, element("button", {}, "Set"));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        post("config/set", { name, value: input.value }).then(() => notify(`${name} is set.`)).catch(notify);
      });
      return [name, form];
    });
    list.replaceChildren(table(["option", "value"], rows));
  };
  filter.addEventListener("input", draw);
  draw();
  place.replaceChildren(element("form", {}, filter), list);
}

function shownReply(reply, indent = "") {
  if (reply === null) return "(nil)";
  if (Array.isArray(reply)) {
    if (!reply.length) return "(empty)";
    return reply.map((item, index) => `${index ? indent : ""}${index + 1}) ${shownReply(item, indent + "   ")}`).join("\n");
  }
  if (typeof reply === "object") return `(error) ${readable(reply.error)}`;
  return typeof reply === "number" ? `(integer) ${reply}` : readable(reply);
}

export class Console {
  constructor(form, transcript, suggestions, notify) {
    const input = form.elements.line, history = [];
    let position = 0;
    const say = (...children) => {
      transcript.append(...children);
      while (transcript.childNodes.length > LINES) transcript.firstChild.remove();
      transcript.scrollTop = transcript.scrollHeight;
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const line = input.value.trim();
      if (!line) return;
      position = history.push(line);
      input.value = "";
      say(element("b", {}, `> ${line}\n`));
      try { say(shownReply((await post("console", { line })).reply) + "\n"); } catch (error) { say(`(error) ${readable(error.message)}\n`); }
    });
    input.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step || !history.length) return;
      event.preventDefault();
      position = Math.min(Math.max(position + step, 0), history.length);
      input.value = history[position] ?? "";
    });
    get("commands").then((commands) => suggestions.replaceChildren(
      ...commands.map(([name, summary]) => element("option", { value: name, label: summary })))).catch(notify);
  }
}

export class PubSub {
  constructor(form, stop, messages) {
    let source = null;
    const end = () => { source?.close(); source = null; stop.disabled = true; };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      end();
      source = new EventSource(address("published", { pattern: form.elements.pattern.value }));
      stop.disabled = false;
      source.onmessage = ({ data }) => {
        const [channel, message] = JSON.parse(data);
        messages.prepend(element("div", {}, element("b", {}, readable(channel)), " ", readable(message)));
        while (messages.childNodes.length > LINES) messages.lastChild.remove();
      };
    });
    stop.addEventListener("click", end);
  }
}
