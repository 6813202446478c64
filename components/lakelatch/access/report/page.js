"use strict";
// Draws what is looked at, and nothing else. Every text goes in as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const [NAME, ACCESS, RISK, SUMMARY] = [0, 1, 2, 3];
const WHO = { name: 0, kind: 1, workspace: 2, via: 3, mode: 4, roles: 5, reach: 6, assurance: 7, trusts: 8 };
const RISKS = ["high", "medium", "low"];
const PAGE = 100;
// A service and people may have one name.
const addressOf = (kind, name) => (kind === "people" ? "people/" : "who/") + encodeURIComponent(name);
const byAddress = new Map(data.who.map((one, number) => [addressOf(one[WHO.kind], one[WHO.name]), number]));
const actionByName = new Map(data.actions.map((one, number) => [one[NAME], number]));

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key === "text") element.textContent = value;
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((one) => one !== null && one !== undefined));
  return element;
}
const link = (to, text) => make("a", { href: "#" + to, text });
const tag = (text, kind) => make("span", { class: "tag " + (kind || ""), text });
const tags = (...all) => make("span", { class: "tags" }, ...all);
const count = (number, one, many) => number.toLocaleString("en") + " " + (number === 1 ? one : many || one + "s");
const whoLink = (one) => link(addressOf(one[WHO.kind], one[WHO.name]), one[WHO.name]);
const actionLink = (number) => link("action/" + encodeURIComponent(data.actions[number][NAME]), data.actions[number][NAME]);

function* numbersOf(runs) {
  for (let at = 0; at < runs.length; at += 2) for (let step = 0; step < runs[at + 1]; step++) yield runs[at] + step;
}
const holds = (runs, number) => {
  for (let at = 0; at < runs.length; at += 2) if (runs[at] <= number && number < runs[at] + runs[at + 1]) return true;
  return false;
};
function cached(make) {
  const found = new Map();
  return (key) => { if (!found.has(key)) found.set(key, make(key)); return found.get(key); };
}
// Per reach: how many actions there are of each risk.
const risksOf = cached((reach) => {
  const found = { high: 0, medium: 0, low: 0, all: 0 };
  for (const [, , runs] of data.reaches[reach]) for (const number of numbersOf(runs)) { found[data.actions[number][RISK]]++; found.all++; }
  return found;
});
// Per action: the part of each reach that has it.
const partsOf = cached((action) => {
  const found = new Map();
  data.reaches.forEach((parts, reach) => {
    const part = parts.find(([, , runs]) => holds(runs, action));
    if (part) found.set(reach, part);
  });
  return found;
});
const checked = (one) => one[WHO.reach] !== null;
const roundIt = (one) => one[WHO.via] !== "gateway";
const observed = (one) => checked(one) && one[WHO.kind] === "service" && (data.observed || one[WHO.mode] === "observe");

function textOf(one) {
  const trusts = one[WHO.trusts].map((number) => data.trusts[number]);
  const roles = one[WHO.roles].map((role) => data.roles[role]);
  return [one[WHO.name], one[WHO.kind], one[WHO.workspace], one[WHO.via], one[WHO.assurance],
    roles.map((role) => [role[0], role[2], role[3], role[4]]), trusts.map((trust) => [trust[2], trust[4]]),
    roundIt(one) ? "round the gateway" : "", observed(one) ? "observed" : ""].flat(3).filter(Boolean).join(" ").toLowerCase();
}
// Texts to search are made when they are first needed.
const lists = {
  who: { title: "Services and people", rows: data.who, text: textOf, row: whoRow, noun: "identity", many: "identities" },
  actions: { title: "Actions", rows: data.actions, text: (one) => one.join(" ").toLowerCase(), row: actionRow, noun: "action" },
  trusts: { title: "Trusted tokens", rows: data.trusts, text: (one) => one.flat().filter(Boolean).join(" ").toLowerCase(), row: trustRow, noun: "trust" },
  rules: { title: "Rules", rows: data.rules, text: (one) => one.flat().join(" ").toLowerCase(), row: ruleRow, noun: "rule" },
};
function matching(list, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  list.texts = list.texts || list.rows.map(list.text);
  const found = [];
  list.texts.forEach((text, number) => { if (words.every((word) => text.includes(word))) found.push(number); });
  return found;
}

function whoRow(number) {
  const one = data.who[number];
  const risks = checked(one) ? risksOf(one[WHO.reach]) : null;
  return make("li", {}, whoLink(one), tags(
    tag(one[WHO.kind]),
    one[WHO.workspace] ? tag(one[WHO.workspace]) : null,
    roundIt(one) ? tag("round the gateway", "high") : null,
    observed(one) ? tag("only observed", "high") : null,
    one[WHO.kind] === "people" ? tag(one[WHO.assurance] || "no assurance asked") : null,
    ...(risks ? RISKS.filter((risk) => risks[risk]).map((risk) => tag(risks[risk] + " " + risk + " risk", risk)) : [])));
}
function actionRow(number) {
  const action = data.actions[number];
  return make("li", {}, actionLink(number), tags(tag(action[ACCESS]), tag(action[RISK] + " risk", action[RISK])),
    make("p", { class: "soft", text: action[SUMMARY] }));
}
const audience = (trust) => trust[3].join(" or ") || "(known after pulumi up)";
function trustFacts(trust) {
  const subject = trust[4] || (trust[1] === "the Databricks account" ? "any user" : "(known after pulumi up)");
  const rows = [["iss", trust[2]], ["aud", audience(trust)], [trust[5], subject]];
  return make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { class: "exact", text: value })]));
}
function trustRow(number) {
  const trust = data.trusts[number];
  const kind = trust[1] === "the Databricks account" ? "people" : "service";
  const known = trust[0].split(", ").map((name) => byAddress.get(addressOf(kind, name))).filter((at) => at !== undefined);
  const who = known.length ? known.map((at) => whoLink(data.who[at])) : [trust[0]];
  const listed = who.flatMap((one, at) => (at ? [", ", one] : [one]));
  return make("li", {}, ...listed, tags(tag("taken by " + trust[1])), trustFacts(trust));
}
function ruleRow(number) {
  const [name, description, mode, about, actions, asks] = data.rules[number];
  return make("li", {}, make("strong", { text: name }), tags(tag(mode === "observe" ? "only observed" : "enforced", mode === "observe" ? "high" : "")),
    description ? make("p", { text: description }) : null,
    make("dl", {}, make("dt", { text: "for" }), make("dd", { text: about.join(", ") || "all" }),
      make("dt", { text: "actions" }), make("dd", { class: "exact", text: actions.join(", ") || "all" }),
      make("dt", { text: "asks" }), make("dd", { class: "exact", text: asks.join("; ") })));
}

const view = document.getElementById("view");
const status = document.getElementById("status");
const query = document.getElementById("query");

// Rows come in portions, so that a long list costs what is seen of it.
function rows(numbers, row) {
  const list = make("ul", { class: "rows" });
  const more = make("button", { type: "button" });
  let shown = 0;
  function portion() {
    const next = numbers.slice(shown, shown + PAGE).map(row);
    shown += next.length;
    list.append(...next);
    more.hidden = shown >= numbers.length;
    more.textContent = "Show more (" + (numbers.length - shown).toLocaleString("en") + " left)";
    return next[0];
  }
  more.addEventListener("click", () => { const first = portion(); const to = first && first.querySelector("a"); if (to) to.focus(); });
  portion();
  return [list, more];
}
function showList(name) {
  const list = lists[name];
  const found = matching(list, query.value);
  status.textContent = count(found.length, list.noun, list.many) + (query.value.trim() ? " found" : "");
  view.replaceChildren(make("h2", { text: list.title }), ...rows(found, list.row));
}
function heading(text) {
  return make("h2", { text, tabindex: "-1" });
}
function partRow(number, role, terms) {
  const action = data.actions[number];
  const asked = data.terms[terms];
  return make("li", {}, actionLink(number), tags(tag(action[ACCESS]), tag(action[RISK] + " risk", action[RISK])),
    make("p", { class: "soft" }, because(role)), ...conditions(asked));
}
const because = (role) => (role < 0 ? "nothing is refused to it" : "by the role " + data.roles[role][0]);
const conditions = (asked) => asked.map((one) => make("p", { class: "exact", text: "only if " + one }));

function actionsOf(one) {
  const groups = new Map();
  for (const [role, terms, runs] of data.reaches[one[WHO.reach]]) {
    for (const number of numbersOf(runs)) {
      const service = data.actions[number][NAME].replace(/\.[^.]*$/, "");
      if (!groups.has(service)) groups.set(service, []);
      groups.get(service).push([number, role, terms]);
    }
  }
  return [...groups].sort(([one], [other]) => (one < other ? -1 : 1)).map(([service, parts]) => {
    const worst = RISKS.find((risk) => parts.some(([number]) => data.actions[number][RISK] === risk));
    const box = make("details", {}, make("summary", {}, make("span", { class: "exact", text: service }),
      tags(tag(count(parts.length, "action")), tag("up to " + worst + " risk", worst))));
    box.addEventListener("toggle", () => {
      if (box.open && box.children.length === 1) {
        box.append(make("ul", { class: "rows" }, ...parts.map((part) => partRow(...part))));
      }
    });
    return box;
  });
}
function showWho(kind, name) {
  const number = byAddress.get(addressOf(kind, name));
  if (number === undefined) return missing(name);
  const one = data.who[number];
  const title = heading(name);
  const parts = [title, make("p", {}, tags(tag(one[WHO.kind]), one[WHO.workspace] ? tag(one[WHO.workspace]) : null, tag(one[WHO.via])))];
  if (roundIt(one)) {
    const how = checked(one) ? "Can go round the gateway with a token of its own: " : "Goes round the gateway: ";
    parts.push(make("p", { class: "warning", text: how + "there nothing checks its actions, and only the rights of its groups count." }));
  }
  if (observed(one)) parts.push(make("p", { class: "warning", text: "Only observed: nothing is refused to it." }));
  if (checked(one)) {
    const all = risksOf(one[WHO.reach]).all;
    parts.push(make("h3", { text: "The gateway lets through " + count(all, "action") }), ...actionsOf(one));
  }
  parts.push(make("h3", { text: "Roles, and their rights at Databricks" }));
  for (const role of one[WHO.roles].map((role) => data.roles[role])) {
    const held = [role[2] ? "group " + role[2] : "no group", ...role[3], ...role[4]];
    parts.push(make("p", {}, make("strong", { text: role[0] }), role[1] ? " " + role[1] : ""),
      make("ul", {}, ...held.map((text) => make("li", { class: "exact", text }))));
  }
  parts.push(make("h3", { text: "Whose tokens stand for it" }));
  for (const trust of one[WHO.trusts].map((at) => data.trusts[at])) parts.push(make("p", { text: "taken by " + trust[1] }), trustFacts(trust));
  status.textContent = "";
  view.replaceChildren(...parts);
  title.focus();
}
function showAction(name) {
  const number = actionByName.get(name);
  if (number === undefined) return missing(name);
  const action = data.actions[number];
  const parts = partsOf(number);
  const may = [];
  data.who.forEach((one, at) => { if (checked(one) && parts.has(one[WHO.reach])) may.push(at); });
  const title = heading(name);
  const row = (at) => {
    const [role, terms] = parts.get(data.who[at][WHO.reach]);
    return make("li", {}, whoLink(data.who[at]), make("p", { class: "soft" }, because(role)), ...conditions(data.terms[terms]));
  };
  const around = data.who.filter(roundIt);
  status.textContent = "";
  view.replaceChildren(title, make("p", {}, tags(tag(action[ACCESS]), tag(action[RISK] + " risk", action[RISK]))), make("p", { text: action[SUMMARY] }),
    make("h3", { text: "Through the gateway: " + count(may.length, "identity", "identities") }), ...rows(may, row),
    around.length ? make("p", { class: "soft", text: "Round the gateway, by the rights of their groups alone: " + around.slice(0, 20).map((one) => one[WHO.name]).join(", ") + (around.length > 20 ? " and " + (around.length - 20) + " more" : "") }) : "");
  title.focus();
}
function missing(name) {
  view.replaceChildren(make("p", { text: "There is nothing called " + name + " here." }));
}
function route() {
  const [kind, ...rest] = location.hash.slice(1).split("/");
  let name = "";
  try { name = decodeURIComponent(rest.join("/")); } catch { name = rest.join("/"); }
  const list = kind === "action" ? "actions" : Object.hasOwn(lists, kind) ? kind : "who";
  for (const one of document.querySelectorAll("nav a")) {
    if (one.dataset.view === list) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  if (name && (kind === "who" || kind === "people")) showWho(kind, name);
  else if (name && kind === "action") showAction(name);
  else showList(list);
}
document.getElementById("about").textContent = data.source + ": " + count(data.who.length, "identity", "identities") + ", "
  + count(data.actions.length, "action") + (data.gateway ? ", gateway " + data.gateway : "") + ". Tokens that the gateway signs live "
  + Math.round(data.lifetime / 60) + " minutes.";
for (const [name, list] of Object.entries(lists)) {
  document.getElementById("views").append(make("a", { href: "#" + name, "data-view": name, text: list.title + " (" + list.rows.length.toLocaleString("en") + ")" }));
}
document.getElementById("search").addEventListener("submit", (event) => event.preventDefault());
query.addEventListener("input", () => {
  const current = document.querySelector("nav a[aria-current]").dataset.view;
  if (location.hash.includes("/")) history.replaceState(null, "", "#" + current);
  showList(current);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== query) { event.preventDefault(); query.focus(); }
});
addEventListener("hashchange", () => { if (location.hash !== "#main") route(); });
route();
