// Logging in, the tabs, and the timer.

import { get, post, useToken } from "./api.js";
import { Keyspace } from "./keyspace.js";
import { Overview } from "./overview.js";
import { Console, PubSub, clients, configuration, slowLog } from "./panels.js";

const EVERY = 1000; // ms between two samples
const TABS = { overview: "Overview", keyspace: "Keys", slowlog: "Slow log", clients: "Clients", config: "Config", console: "Console", pubsub: "Pub/sub" };
const $ = (id) => document.getElementById(id);
let overview = null;
let timer = 0, noticeTimer = 0;

function notify(what) {
  const notice = $("notice");
  notice.textContent = what instanceof Error ? what.message : what;
  notice.hidden = false;
  if (what?.status === 401) location.reload();
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { notice.hidden = true; }, 6000);
}

const OPENED = {
  slowlog: () => slowLog($("slowlog"), notify),
  clients: () => clients($("clients"), notify),
  config: () => configuration($("config"), notify),
  console: () => $("command").elements.line.focus(),
};

function open(name) {
  for (const tab of $("tabs").children) {
    const chosen = tab.dataset.name === name;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    $(tab.dataset.name).hidden = !chosen;
  }
  history.replaceState(null, "", "#" + name);
  Promise.resolve(OPENED[name]?.()).catch(notify);
}

function makeTabs() {
  for (const [name, title] of Object.entries(TABS)) {
    const tab = document.createElement("button");
    Object.assign(tab, { textContent: title, type: "button" });
    tab.dataset.name = name;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", name);
    tab.addEventListener("click", () => open(name));
    $("tabs").append(tab);
  }
  $("tabs").addEventListener("keydown", (event) => {
    const tabs = [...$("tabs").children], at = tabs.indexOf(document.activeElement);
    const next = { ArrowLeft: tabs.at(at - 1), ArrowRight: tabs[(at + 1) % tabs.length], Home: tabs[0], End: tabs.at(-1) }[event.key];
    if (!next || at < 0) return;
    event.preventDefault();
    next.focus();
    open(next.dataset.name);
  });
}

async function tick() {
  try { if (!document.hidden) await overview.refresh(); } catch (error) {
    if (error.status === 403) { $("figures").replaceChildren(error.message); return; } // this user may not see them
    notify(error);
  }
  timer = setTimeout(tick, EVERY);
}

function start(session) {
  useToken(session.token);
  $("login").hidden = true;
  $("dashboard").hidden = false;
  $("server").textContent = session.server;
  $("user").textContent = session.user;
  if (overview) return;
  makeTabs();
  open(location.hash.slice(1) in TABS ? location.hash.slice(1) : "overview");
  overview = new Overview($("figures"), $("charts"));
  new Keyspace($("search"), $("tree"), $("value"), notify);
  new Console($("command"), $("transcript"), $("commands"), notify);
  new PubSub($("listen"), $("deafen"), $("messages"));
  tick();
}

function chooseTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}

$("theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  chooseTheme(dark ? "light" : "dark");
  localStorage.setItem("theme", dark ? "light" : "dark");
});
chooseTheme(localStorage.getItem("theme"));

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const error = $("login").querySelector(".error");
  error.textContent = "";
  try { start(await post("login", Object.fromEntries(new FormData($("login"))))); } catch (refusal) { error.textContent = refusal.message; }
});
$("logout").addEventListener("click", () => post("logout").catch(() => {}).then(() => location.reload()));

get("session").then(start).catch(() => { $("login").hidden = false; clearTimeout(timer); });
