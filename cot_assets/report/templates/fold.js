/* Unfolds the first table of the question that a link leads to. */
(function () {
  "use strict";
  function unfold() {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    var first = target && target.parentElement.querySelector("details");
    if (first) first.open = true;
  }
  addEventListener("hashchange", unfold);
  unfold();
})();
