/* Links the text, the curve and the table of cuts of one page; the page reads well without it. */
(function () {
  "use strict";
  var chart = document.querySelector(".chart");
  var rows = document.querySelectorAll(".cuts tbody tr");
  if (!chart || !rows.length) return;
  var text = document.querySelector(".cot"), spans = [].slice.call(text.querySelectorAll(".s"));
  var byCut = {};
  spans.forEach(function (span) { byCut[span.dataset.c] = span; });
  var xs = chart.dataset.x.split(" ").map(Number);
  var ys = chart.dataset.y.split(" ");
  var here = chart.querySelector(".here"), dot = chart.querySelector(".dot"), sel = chart.querySelector(".sel");
  var out = {};
  document.querySelectorAll(".readout dd").forEach(function (dd) { out[dd.dataset.f] = dd; });
  var current = -1;
  var reads = [].slice.call(document.querySelectorAll(".read")), unshown = document.getElementById("unshown");
  var commandCut = document.querySelector(".command [data-f=cut]");

  function cell(row, number) { return rows[row].cells[number].textContent.trim(); }
  function said(row, name) {
    var found = rows[row].querySelector("[data-f=" + name + "]");
    return found ? found.textContent.trim() : "";
  }

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
    out.potential.textContent = said(cut, "potential") + (isEnd ? " (verdict)" : "");
    out.before.textContent = cut ? said(cut - 1, "potential") : "–";
    ["interval", "n"].forEach(function (name) { out[name].textContent = said(cut, name) || "none: not sampled"; });
    ["open", "likely"].forEach(function (name) { if (out[name]) out[name].textContent = said(cut, name) || "–"; });
    out.token.textContent = cell(cut, 1) + " (" + cell(cut, 2) + ")";
    if (unshown) {
      reads.forEach(function (read) { read.hidden = read.id !== "r" + cut; read.open = !read.hidden; });
      unshown.hidden = !isEnd && reads.some(function (read) { return !read.hidden; });
      if (!isEnd) commandCut.textContent = cell(cut, 0);
    }
    var x = xs[cut], from = cut ? xs[cut - 1] : x;
    here.setAttribute("x1", x); here.setAttribute("x2", x);
    sel.setAttribute("x", from); sel.setAttribute("width", Math.max(0, x - from));
    var known = ys[cut] !== "-";
    dot.setAttribute("visibility", known ? "visible" : "hidden");
    if (known) { dot.setAttribute("cx", x); dot.setAttribute("cy", ys[cut]); }
  }

  function go(span) {
    spans.forEach(function (s) { s.tabIndex = -1; });
    span.tabIndex = 0;
    span.focus({ preventScroll: true });
    span.scrollIntoView({ block: "center" });
    show(Number(span.dataset.c));
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

  var events = spans.filter(function (span) { return /\b(insight|tangent|late_spike|lucky_guess)\b/.test(span.className); });
  function event(step) {
    var ahead = events.filter(function (span) { return (Number(span.dataset.c) - current) * step > 0; });
    var target = step > 0 ? ahead[0] || events[0] : ahead[ahead.length - 1] || events[events.length - 1];
    if (target) go(target);
  }
  document.addEventListener("keydown", function (press) {
    if (press.ctrlKey || press.metaKey || press.altKey || /INPUT|SELECT|TEXTAREA/.test(press.target.tagName)) return;
    if (press.key === "n") event(1);
    if (press.key === "p") event(-1);
  });

  function nearest(pointer) {
    var box = chart.createSVGPoint();
    box.x = pointer.clientX; box.y = pointer.clientY;
    var x = box.matrixTransform(chart.getScreenCTM().inverse()).x, best = 0;
    xs.forEach(function (value, i) { if (Math.abs(value - x) < Math.abs(xs[best] - x)) best = i; });
    return best;
  }
  chart.addEventListener("pointermove", function (pointer) { show(nearest(pointer)); });
  chart.addEventListener("click", function (pointer) {
    var span = byCut[nearest(pointer)];
    if (span) span.scrollIntoView({ block: "center" });
  });
  rows.forEach(function (row, i) { row.addEventListener("pointerenter", function () { show(i); }); });

  function id(name) { return document.getElementById(name); }
  document.querySelector(".tools").hidden = false;
  id("back").disabled = id("on").disabled = !events.length;
  id("back").addEventListener("click", function () { event(-1); });
  id("on").addEventListener("click", function () { event(1); });
  id("values").addEventListener("change", function () { text.classList.toggle("plain", !this.checked); });
  id("as-written").parentNode.hidden = !document.querySelector(".fx");
  id("as-written").addEventListener("change", function () { document.body.classList.toggle("as-written", this.checked); });
  id("by-change").addEventListener("change", function () { document.body.classList.toggle("by-change", this.checked); });

  function save(name, type, content) {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: type }));
    link.download = name;
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
  }
  var stem = location.pathname.split("/").pop().replace(/\.html$/, "");
  id("csv").addEventListener("click", function () {
    var table = rows[0].closest("table");
    save(stem + ".csv", "text/csv", [].map.call(table.rows, function (row) {
      var texts = [].reduce.call(row.cells, function (all, c) {
        var interval = c.querySelector(".i"); // a column of its own
        if (!interval) return all.concat(c.textContent);
        return all.concat(c.firstChild.textContent, interval.textContent);
      }, []);
      return texts.map(function (text) {
        var value = text.trim();
        return /[",\n]/.test(value) ? '"' + value.replace(/"/g, '""') + '"' : value;
      }).join(",");
    }).join("\n") + "\n");
  });
  function picture() {
    var copy = chart.cloneNode(true), own = chart.querySelectorAll("*"), copies = copy.querySelectorAll("*");
    var looks = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-weight", "visibility"];
    own.forEach(function (shape, i) {
      var style = getComputedStyle(shape);
      looks.forEach(function (look) { copies[i].setAttribute(look, style.getPropertyValue(look)); });
    });
    copy.querySelectorAll(".here,.dot,.sel").forEach(function (shape) { shape.remove(); });
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("font-family", "sans-serif");
    var size = chart.viewBox.baseVal;
    copy.setAttribute("width", size.width);
    copy.setAttribute("height", size.height);
    return new XMLSerializer().serializeToString(copy);
  }
  id("svg").addEventListener("click", function () { save(stem + ".svg", "image/svg+xml", picture()); });
  id("png").addEventListener("click", function () {
    var image = new Image();
    image.onload = function () {
      var canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
      canvas.width = 3 * image.width;
      canvas.height = 3 * image.height;
      pen.fillStyle = getComputedStyle(document.body).backgroundColor;
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(function (blob) { save(stem + ".png", "image/png", blob); });
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(picture());
  });
  show(0);
})();
