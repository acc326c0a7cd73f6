// Shows under the pointer what a chart's marks say to screen readers.
"use strict";
(() => {
  const tip = document.getElementById("chart-tip");
  const show = (event) => {
    const mark = event.target.closest('[role="graphics-symbol"][aria-label]');
    // Axes carry a label too, which describes them and tells no figure.
    tip.hidden = !mark || mark.getAttribute("aria-roledescription") === "axis" ||
      mark.getAttribute("aria-roledescription") === "legend";
    if (tip.hidden) return;
    tip.textContent = mark.getAttribute("aria-label");
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${left}px`;
    tip.style.top = `${event.clientY + 16}px`;
  };
  for (const charts of document.querySelectorAll("#charts, #trips, #waits, #curves, #phases, #futures, #reasons")) {
    charts.addEventListener("pointermove", show);
    charts.addEventListener("pointerleave", () => { tip.hidden = true; });
  }
})();
