/* Links the text, the curve and the table of cuts of one page; the page reads well without it. */
(function () {
  "use strict";
  var chart = document.querySelector(".chart");
  var rows = document.querySelectorAll(".cuts tbody tr");
  if (!chart || !rows.length) return;
  var spans = Array.prototype.slice.call(document.querySelectorAll(".s"));
  var byCut = {};
  spans.forEach(function (span) { byCut[span.dataset.c] = span; });
  var xs = chart.dataset.x.split(" ").map(Number);
  var ys = chart.dataset.y.split(" ");
  var here = chart.querySelector(".here"), dot = chart.querySelector(".dot"), sel = chart.querySelector(".sel");
  var out = {};
  document.querySelectorAll(".readout dd").forEach(function (dd) { out[dd.dataset.f] = dd; });
  var current = -1;

  function cell(row, number) { return rows[row].cells[number].textContent.trim(); }

  function show(cut) {
    cut = Math.max(0, Math.min(rows.length - 1, cut));
    if (cut === current) return;
    if (current >= 0) {
      rows[current].classList.remove("on");
      if (byCut[current]) byCut[current].classList.remove("on");
    }
    current = cut;
    rows[cut].classList.add("on");
    if (byCut[cut]) byCut[cut].classList.add("on");
    var isEnd = cell(cut, 0) === "end";
    out.at.textContent = isEnd ? "end of the trace" : "cut " + cell(cut, 0) + (cut ? "" : " (empty CoT)");
    out.potential.textContent = isEnd ? cell(cut, 3) + " (verdict)" : cell(cut, 3);
    out.before.textContent = cut ? cell(cut - 1, 3) : "–";
    out.interval.textContent = cell(cut, 4) || "none: not sampled";
    out.n.textContent = cell(cut, 5) || "none: not sampled";
    out.token.textContent = cell(cut, 1) + " (" + cell(cut, 2) + ")";
    var x = xs[cut], from = cut ? xs[cut - 1] : x;
    here.setAttribute("x1", x); here.setAttribute("x2", x);
    sel.setAttribute("x", from); sel.setAttribute("width", Math.max(0, x - from));
    var known = ys[cut] !== "-";
    dot.setAttribute("visibility", known ? "visible" : "hidden");
    if (known) { dot.setAttribute("cx", x); dot.setAttribute("cy", ys[cut]); }
  }

  spans.forEach(function (span, position) {
    if (position) span.tabIndex = -1;
    var cut = Number(span.dataset.c);
    function enter() { show(cut); }
    span.addEventListener("pointerenter", enter);
    span.addEventListener("click", enter);
    span.addEventListener("focus", enter);
    span.addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      var next = step && spans[position + step];
      if (!next) return;
      event.preventDefault();
      span.tabIndex = -1; next.tabIndex = 0; next.focus();
    });
  });

  function nearest(event) {
    var box = chart.createSVGPoint();
    box.x = event.clientX; box.y = event.clientY;
    var x = box.matrixTransform(chart.getScreenCTM().inverse()).x, best = 0;
    xs.forEach(function (value, i) { if (Math.abs(value - x) < Math.abs(xs[best] - x)) best = i; });
    return best;
  }
  chart.addEventListener("pointermove", function (event) { show(nearest(event)); });
  chart.addEventListener("click", function (event) {
    var span = byCut[nearest(event)];
    if (span) span.scrollIntoView({ block: "center" });
  });
  rows.forEach(function (row, i) { row.addEventListener("pointerenter", function () { show(i); }); });

  var box = document.querySelector(".switch input");
  if (box) {
    box.addEventListener("change", function () {
      document.querySelector(".cot").classList.toggle("plain", !box.checked);
    });
  }
  show(0);
})();
