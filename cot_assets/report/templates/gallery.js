/* The gallery: search, sort and filter over all traces; cards are made for those in sight only. */
(function () {
  "use strict";
  var list = document.getElementById("gallery");
  if (!list) return;
  var rows = JSON.parse(document.getElementById("data").textContent);
  var form = document.getElementById("filters"), find = document.getElementById("find");
  var sort = document.getElementById("sort"), more = document.getElementById("more");
  var out = document.getElementById("found"), selects = [].slice.call(form.querySelectorAll("select[data-field]"));
  var SIGNS = { insight: "▲", tangent: "▼", late_spike: "◆", lucky_guess: "✱", monotone: "" };
  var STEP = 60, shown = [], at = 0, SVG = "http://www.w3.org/2000/svg";
  var collator = new Intl.Collator("en", { numeric: true });
  rows.forEach(function (row) {
    row.hay = (row.problem + " " + row.model + " " + row.level + " " + row.text).toLowerCase();
  });

  function words(value) { return value.replace(/_/g, " "); }
  selects.forEach(function (select) {
    var field = select.dataset.field, seen = {};
    rows.forEach(function (row) { [].concat(row[field]).forEach(function (v) { seen[v] = (seen[v] || 0) + 1; }); });
    var values = Object.keys(seen).filter(Boolean).sort(collator.compare);
    if (values.length < 2 && field !== "signs") { select.closest("label").hidden = true; }
    select.add(new Option("all", ""));
    values.forEach(function (v) { select.add(new Option(words(v) + " (" + seen[v] + ")", v)); });
  });

  function element(tag, name, text) {
    var made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function drawn(tag, attributes, parent) {
    var made = document.createElementNS(SVG, tag);
    Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    parent.appendChild(made);
    return made;
  }

  function card(row) {
    var item = element("li"), link = element("a", "tile");
    link.href = row.href;
    var svg = drawn("svg", { viewBox: "0 0 216 64", "aria-hidden": "true" }, link);
    drawn("path", { class: "axis", d: "M4 60H212M4 32H212M4 4H212" }, svg);
    var path = "";
    row.spark.forEach(function (run) {
      for (var i = 0; i < run.length; i += 2) path += (i ? "L" : "M") + (4 + 2 * run[i]) + " " + (60 - 0.56 * run[i + 1]);
      if (run.length === 2) path += "h2";
    });
    drawn("path", { class: "curve", d: path }, svg);
    if (row.verdict === "correct") drawn("path", { class: "correct", d: "M206 -1l5 5l-5 5l-5 -5z" }, svg);
    else if (row.verdict !== "unscored") drawn("path", { class: "incorrect", d: "M201 55l10 10m0-10l-10 10" }, svg);
    link.appendChild(element("b", "", row.problem));
    var signs = row.signs.filter(function (s) { return SIGNS[s]; });
    link.appendChild(element("span", row.verdict, words(row.verdict) + (signs.length ? " · " : "")));
    if (signs.length) {
      link.appendChild(element("span", "signs", signs.map(function (s) { return SIGNS[s] + " " + words(s); }).join(" ")));
    }
    link.appendChild(element("span", "note", row.model + (row.level ? " · level " + row.level : "") + " · " + row.n_tokens + " tokens"));
    link.appendChild(element("span", "note", row.note));
    item.appendChild(link);
    return item;
  }

  function grow() {
    var part = document.createDocumentFragment();
    shown.slice(at, at + STEP).forEach(function (row) { part.appendChild(card(row)); });
    at += STEP;
    list.appendChild(part);
    more.hidden = at >= shown.length;
  }
  function less(value, worst) { return value === null ? worst : value; }
  var ORDER = {
    rise: function (a, b) { return less(b.largest_rise, -2) - less(a.largest_rise, -2); },
    drop: function (a, b) { return less(a.largest_drop, 2) - less(b.largest_drop, 2); },
    end: function (a, b) { return less(b.surprise, -1) - less(a.surprise, -1); },
    v0: function (a, b) { return less(a.v0, 2) - less(b.v0, 2); },
    tokens: function (a, b) { return b.n_tokens - a.n_tokens; },
    problem: function () { return 0; }
  };
  function update() {
    var asked = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = rows.filter(function (row) {
      return selects.every(function (select) {
        var value = row[select.dataset.field];
        return !select.value || (Array.isArray(value) ? value.indexOf(select.value) >= 0 : value === select.value);
      }) && asked.every(function (word) { return row.hay.indexOf(word) >= 0; });
    });
    shown.sort(function (a, b) { return ORDER[sort.value](a, b) || collator.compare(a.problem, b.problem); });
    out.textContent = shown.length.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + (rows.length === 1 ? " trace" : " traces");
    list.textContent = "";
    at = 0;
    grow();
  }
  form.hidden = false;
  form.addEventListener("input", update);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  more.addEventListener("click", grow);
  document.querySelectorAll("a[data-model]").forEach(function (link) {
    link.addEventListener("click", function () {
      form.querySelector("[data-field=model]").value = link.dataset.model;
      update();
    });
  });
  update();
})();
