// The keys as a tree by prefix, filled by SCAN a part at a time, and the value of the chosen one.

import { bytes, duration, element, get, post, readable, table } from "./api.js";

const SEPARATOR = ":";
const AT_ONCE = 2000; // keys found by one press of a button, about
const PATIENCE = 2000; // ms that it looks for them
const MOST = 20000; // keys kept in the tree

export class Keyspace {
  constructor(form, tree, value, notify) {
    Object.assign(this, { form, tree, value, notify });
    this.status = form.querySelector("#scanned");
    this.more = form.querySelector("#more");
    form.addEventListener("submit", (event) => { event.preventDefault(); this.start(); });
    this.more.addEventListener("click", () => this.scan());
  }

  start() {
    this.cursor = "0";
    this.keys = new Map();
    this.status.textContent = "…";
    return this.scan();
  }

  async scan() {
    this.more.disabled = true;
    const fields = new FormData(this.form);
    const options = { match: fields.get("match"), type: fields.get("type"), memory: fields.get("memory") ? "1" : "" };
    const enough = Math.min(this.keys.size + AT_ONCE, MOST), end = performance.now() + PATIENCE;
    try {
      do {
        const part = await get("keys", { ...options, cursor: this.cursor });
        part.keys.forEach((key) => this.keys.set(key.name, key));
        this.cursor = part.cursor;
      } while (this.cursor !== "0" && this.keys.size < enough && performance.now() < end);
    } catch (error) { this.notify(error); }
    this.more.disabled = false;
    this.more.hidden = this.cursor === "0" || this.keys.size >= MOST;
    this.status.textContent = `${this.keys.size} ${this.keys.size === 1 ? "key" : "keys"}${this.cursor === "0" ? "" : " so far"}`;
    this.draw();
  }

  draw() {
    const root = { children: new Map(), keys: [], count: 0, bytes: 0 };
    for (const key of this.keys.values()) {
      let node = root;
      const parts = key.name.split(SEPARATOR);
      for (const part of [null, ...parts.slice(0, -1)]) {
        if (part != null) {
          if (!node.children.has(part)) node.children.set(part, { children: new Map(), keys: [], count: 0, bytes: 0 });
          node = node.children.get(part);
        }
        node.count += 1;
        node.bytes += key.bytes ?? 0;
      }
      node.keys.push(key);
    }
    this.tree.replaceChildren(...this.nodes(root));
  }

  nodes(node) {
    const order = (a, b) => (b.bytes - a.bytes) || (a.name < b.name ? -1 : 1);
    const folders = [...node.children].map(([name, child]) => ({ name, child, bytes: child.bytes })).sort(order);
    const made = folders.map(({ name, child }) => {
      const size = child.bytes ? ` ${bytes(child.bytes)}` : "";
      const folder = element("details", { role: "treeitem" },
        element("summary", {}, readable(name) + SEPARATOR + " ", element("small", {}, `${child.count}${size}`)));
      // Filled when it is opened, so that ten thousand keys do not cost ten thousand elements.
      folder.addEventListener("toggle", () => folder.append(...this.nodes(child)), { once: true });
      folder.open = node.children.size === 1 && !node.keys.length; // there is nothing else to choose
      return folder;
    });
    for (const key of node.keys.sort(order)) {
      const size = key.bytes == null ? "" : ` ${bytes(key.bytes)}`;
      const button = element("button", { role: "treeitem", type: "button" }, readable(key.name) + " ",
        element("small", {}, `${key.type}${size}${key.ttl == null ? "" : " " + duration(key.ttl)}`));
      button.addEventListener("click", () => {
        this.tree.querySelectorAll("[aria-selected]").forEach((other) => other.removeAttribute("aria-selected"));
        button.setAttribute("aria-selected", "true");
        this.show(key.name);
      });
      made.push(button);
    }
    return made;
  }

  async show(name) {
    try {
      const key = await get("key", { name });
      if (key.type === "none") { this.value.replaceChildren("The key is gone."); return; }
      const facts = [key.type, key.encoding, key.length == null ? null : `${key.length} long`, bytes(key.bytes), duration(key.ttl)];
      this.value.replaceChildren(
        element("h2", {}, readable(name)),
        element("p", { className: "facts" }, facts.filter(Boolean).join(" · ")),
        this.actions(name, key), ...this.part(key));
      this.addMore(name, key);
    } catch (error) { this.notify(error); }
  }

  addMore(name, key) {
    if (!key.next) return;
    const button = element("button", { type: "button" }, "Show more");
    button.addEventListener("click", async () => {
      try {
        const part = await get("key", { name, cursor: key.next });
        button.remove();
        this.value.append(...this.part(part));
        this.addMore(name, part);
      } catch (error) { this.notify(error); }
    });
    this.value.append(button);
  }

  actions(name, key) {
    const seconds = element("input", { type: "number", min: 1, placeholder: "seconds, empty for ever", "aria-label": "Time to live in seconds" });
    if (key.ttl != null) seconds.value = Math.ceil(key.ttl / 1000);
    const set = element("button", { type: "submit" }, "Set expiry");
    const remove = element("button", { type: "button", className: "danger" }, "Delete");
    const form = element("form", {}, seconds, set, remove);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      post("key/ttl", { name, seconds: seconds.value }).then(() => this.show(name)).catch(this.notify);
    });
    remove.addEventListener("click", () => {
      if (!confirm(`Delete ${readable(name)}?`)) return;
      post("key/delete", { name }).then(() => {
        this.keys.delete(name);
        this.draw();
        this.value.replaceChildren("Deleted.");
      }).catch(this.notify);
    });
    return form;
  }

  part(key) {
    switch (key.type) {
      case "string": return [element("pre", {}, readable(key.value))];
      case "list": return [table(["index", "item"], key.rows)];
      case "set": return [table(["member"], key.rows)];
      case "zset": return [table(["rank", "member", "score"], key.rows)];
      case "hash": return [table(["field", "value", "expires"], key.rows.map(([field, value, ttl]) => [field, value, ttl == null ? "" : duration(ttl)]))];
      case "stream": return [table(["entry", "fields"], key.rows.map(([id, fields]) => [id, table([], fields)]))];
      default: return [];
    }
  }
}
