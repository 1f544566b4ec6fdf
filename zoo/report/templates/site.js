"use strict";
const FIELDS = ["search", "tag", "status", "metric", "least", "most", "order", "kind"];
const by = (id) => document.getElementById(id);
const value = (id) => (by(id) ? by(id).value : "");
const number = (id, otherwise) => (value(id) === "" ? otherwise : Number(value(id)));

function keepInAddress(values) {
  const asked = new URLSearchParams(Object.entries(values).filter(([, text]) => text !== ""));
  history.replaceState(null, "", `#${asked}`);
}

function element(name, text, scope) {
  const made = document.createElement(name);
  // A long key may be broken after a dot, where a table is narrow.
  text.split(/(?<=[._])(?=[a-z])/i).forEach((part, at) => {
    if (at) made.append(document.createElement("wbr"));
    made.append(part);
  });
  if (scope) made.scope = scope;
  return made;
}

/* Lists that are searched: versions, components. */

const rows = [...document.querySelectorAll(".found")];
const metricsOf = new Map(rows.map((row) => [row, JSON.parse(row.dataset.metrics || "{}")]));

function fits(row, words, metric) {
  const reached = metricsOf.get(row)[metric];
  return (
    words.every((word) => row.dataset.text.includes(word)) &&
    (!value("tag") || row.dataset.tags.includes(` ${value("tag")} `)) &&
    ["status", "kind"].every((key) => !value(key) || row.dataset[key] === value(key)) &&
    (!metric || (reached >= number("least", -Infinity) && reached <= number("most", Infinity)))
  );
}

function sort(metric) {
  const sign = value("order") === "high" ? -1 : 1;
  const last = (row) => metricsOf.get(row)[metric] === undefined;
  const sorted = [...rows];
  if (metric)
    sorted.sort(
      (one, other) =>
        last(one) - last(other) ||
        sign * (metricsOf.get(one)[metric] - metricsOf.get(other)[metric]),
    );
  sorted.forEach((row) => row.parentNode.append(row));
}

function filter() {
  const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
  const metric = value("metric");
  rows.forEach((row) => (row.hidden = !fits(row, words, metric)));
  if (by("metric")) {
    ["least", "most", "order"].forEach((id) => (by(id).disabled = !metric));
    sort(metric);
  }
  const count = rows.filter((row) => !row.hidden).length;
  by("count").textContent = `${count} of ${rows.length}`;
}

function offerToCompare() {
  const chosen = [...document.querySelectorAll("#versions input:checked")].map((box) => box.value);
  by("compare").disabled = chosen.length !== 2;
  return chosen;
}

function list() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const there = FIELDS.filter(by);
  there.forEach((id) => (by(id).value = asked.get(id) ?? ""));
  const search = () => {
    filter();
    keepInAddress(Object.fromEntries(there.map((id) => [id, value(id)])));
  };
  // Not every way of choosing from a list is an input. A text changes when it is left, as by a
  // click on a link, which must not move away from under it.
  for (const id of there)
    by(id).addEventListener(by(id).matches("select") ? "change" : "input", search);
  filter();
  const named = by(location.hash.slice(1));
  if (named && named.matches("details")) {
    named.open = true;
    named.scrollIntoView();
  }
  if (!by("compare")) return;
  by("versions").addEventListener("change", offerToCompare);
  // A browser that goes back may have kept what was ticked.
  window.addEventListener("pageshow", offerToCompare);
  by("compare").addEventListener("click", () => {
    const [b, a] = offerToCompare();
    location.href = `compare.html#${new URLSearchParams({ a, b })}`;
  });
}

/* Two versions side by side. */

function table(title, header, lines) {
  const made = document.createElement("table");
  const head = made.createTHead().insertRow();
  header.forEach((text) => head.append(element("th", text, "col")));
  const body = made.createTBody();
  for (const [name, ...cells] of lines) {
    const row = body.insertRow();
    row.append(element("th", name, "row"));
    cells.forEach((text) => row.append(element("td", text)));
  }
  const scroll = document.createElement("div");
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", title);
  scroll.append(made);
  return [element("h2", title), scroll];
}

const shown = (one) => (one === undefined ? "" : Number(one.toPrecision(6)).toString());

function change(one, other) {
  if (one === undefined || other === undefined) return "";
  const by = Number((other - one).toPrecision(4));
  return by > 0 ? `+${by}` : `${by}`;
}

function compare() {
  const [a, b] = [value("a"), value("b")];
  const [one, other] = [VERSIONS[a], VERSIONS[b]];
  const keys = [...new Set([...Object.keys(one.config), ...Object.keys(other.config)])];
  const differing = keys
    .filter((key) => one.config[key] !== other.config[key])
    .map((key) => [key, one.config[key] ?? "", other.config[key] ?? ""]);
  const names = [...new Set([...Object.keys(one.metrics), ...Object.keys(other.metrics)])];
  const metrics = names.map((name) => {
    const both = [one.metrics[name], other.metrics[name]];
    return [name, ...both.map(shown), change(...both)];
  });
  const same = one.fingerprint === other.fingerprint ? "the same graph" : "different graphs";
  const noun = differing.length === 1 ? "difference" : "differences";
  by("count").textContent = `${differing.length} ${noun}, ${same}`;
  const parts = metrics.length ? table("Metrics", ["metric", a, b, "B − A"], metrics) : [];
  if (differing.length) parts.push(...table("Config", ["key", a, b], differing));
  by("comparison").replaceChildren(...parts);
}

function choose() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const names = Object.keys(VERSIONS);
  if (!names.length) return;
  const unknown = ["a", "b"]
    .map((id) => asked.get(id))
    .filter((name) => name !== null && !names.includes(name));
  by("a").value = names.includes(asked.get("a")) ? asked.get("a") : names[1] ?? names[0];
  by("b").value = names.includes(asked.get("b")) ? asked.get("b") : names[0];
  compare();
  if (unknown.length) by("count").textContent = `not here: ${unknown.join(", ")}`;
}

function comparison() {
  for (const id of ["a", "b"])
    by(id).addEventListener("change", () => {
      keepInAddress({ a: value("a"), b: value("b") });
      compare();
    });
  window.addEventListener("hashchange", choose);
  choose();
}

document.addEventListener("keydown", (event) => {
  const writing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
  if (event.key !== "/" || writing || event.ctrlKey || event.metaKey || !by("search")) return;
  event.preventDefault();
  by("search").focus();
});
document
  .querySelectorAll("form")
  .forEach((form) => form.addEventListener("submit", (event) => event.preventDefault()));
(by("comparison") ? comparison : list)();
