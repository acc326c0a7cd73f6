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

    section.querySelector("input[type=search]").addEventListener("input", (event) => {
      const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, idx) => {
        row.hidden = !words.every((word) => texts[idx].includes(word));
        shown += !row.hidden;
      });
      count.textContent = words.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    });
  }
})();
