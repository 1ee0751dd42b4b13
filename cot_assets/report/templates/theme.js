/* The switch between light and dark; kept where the browser lets a file keep things. */
(function () {
  "use strict";
  var root = document.documentElement, button = document.getElementById("theme");
  var dark = matchMedia("(prefers-color-scheme: dark)");
  function kept() { try { return localStorage.getItem("cot-assets-theme"); } catch (error) { return null; } }
  function show(theme) {
    if (theme) root.dataset.theme = theme;
    var isDark = theme ? theme === "dark" : dark.matches;
    button.textContent = isDark ? "Light" : "Dark";
    button.setAttribute("aria-label", "Switch to " + (isDark ? "light" : "dark") + " colors");
    return isDark;
  }
  button.hidden = false;
  var isDark = show(kept());
  button.addEventListener("click", function () {
    var theme = isDark ? "light" : "dark";
    isDark = show(theme);
    try { localStorage.setItem("cot-assets-theme", theme); } catch (error) { /* it holds for this page */ }
  });
})();
