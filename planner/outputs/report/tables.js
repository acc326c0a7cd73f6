// Sorts and filters the tables; without it they stand as they were written.
"use strict";
(() => {
  const collator = new Intl.Collator("en", { numeric: true });
  const numberOf = (text) => {
    const value = parseFloat(text.replace(/,/g, "").replace("\u2212", "-"));
    return Number.isNaN(value) ? -Infinity : value;
  };

  for (const section of document.querySelectorAll(".table-section")) {
    const body = section.querySelector("tbody");
    const rows = [...body.rows];
    const headings = [...section.querySelectorAll("th")];
    const count = section.querySelector(".row-count");
    const texts = rows.map((row) => row.textContent.toLowerCase());

    headings.forEach((heading, column) => {
      const isNumber = heading.classList.contains("number");
      heading.firstElementChild.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort");
        // Figures are mostly read from the largest down, names from A to Z.
        const descending = before ? before === "ascending" : isNumber;
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const keys = new Map(rows.map((row) => {
          const text = row.cells[column].textContent;
          return [row, isNumber ? numberOf(text) : text];
        }));
        const compare = isNumber
          ? (a, b) => keys.get(a) - keys.get(b) || 0
          : (a, b) => collator.compare(keys.get(a), keys.get(b));
        body.append(...[...rows].sort((a, b) => (descending ? compare(b, a) : compare(a, b))));
      });
    });

    const hasPlaces = section.classList.contains("has-places");
    // A row that has a place leads there: by click, and from one stop of the tabulator by arrows.
    const leads = rows.map((row) => {
      const go = hasPlaces ? mapView.leadTo(row.dataset.place ?? row.cells[0].textContent) : null;
      if (!go) return null;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "lead";
      button.tabIndex = -1;
      button.append(...row.cells[0].childNodes);
      row.cells[0].append(button);
      row.classList.add("leads");
      row.addEventListener("click", () => {
        if (getSelection().isCollapsed) go(button);
      });
      return button;
    }).filter(Boolean);
    // The tabulator stops once, at a row that is shown.
    const keepStop = () => {
      const stop = leads.find((button) => button.tabIndex === 0 && !button.closest("tr").hidden);
      const first = stop ?? body.querySelector("tr:not([hidden]) .lead");
      for (const button of leads) button.tabIndex = button === first ? 0 : -1;
    };
    if (leads.length) {
      leads[0].tabIndex = 0;
      section.querySelector(".leading").hidden = false;
      body.addEventListener("keydown", (event) => {
        const down = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!down || !event.target.classList.contains("lead")) return;
        event.preventDefault();
        const shown = [...body.querySelectorAll("tr:not([hidden]) .lead")];
        const next = shown[shown.indexOf(event.target) + down];
        if (next) next.focus();
      });
      body.addEventListener("focusin", ({ target }) => {
        for (const button of body.querySelectorAll(".lead[tabindex='0']")) button.tabIndex = -1;
        target.tabIndex = 0;
      });
    }

    section.querySelector("input[type=search]").addEventListener("input", (event) => {
      const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, idx) => {
        row.hidden = !words.every((word) => texts[idx].includes(word));
        shown += !row.hidden;
      });
      keepStop();
      count.textContent = words.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    });
  }
})();
