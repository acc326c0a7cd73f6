// Finds sites by their id, and tells what each costs to do without or to have.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("reasons-data").textContent);
  const input = document.getElementById("site-search");
  const found = document.getElementById("site-found");
  const MOST = 12;
  const lowered = data.id.map((id) => id.toLowerCase());
  const figure = (cost) => {
    if (cost === 0) return "0";
    const digits = Math.abs(cost) >= 10 ? 0 : Math.abs(cost) >= 1 ? 1 : 2;
    return new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(cost);
  };
  const interval = (idx) => {
    const [low, high] = [figure(data.low[idx] ?? data.high[idx]), figure(data.high[idx])];
    return `${low === high ? high : `${low} to ${high}`} ${data.unit}`;
  };
  const partner = (idx) => data.partner[idx] < 0 ? "" : data.id[data.partner[idx]];
  const tell = (idx) => {
    if (idx < data.num_stations) {
      if (data.high[idx] === null) return "station that stands already or is committed: nothing replaces it";
      return `station; to do without it costs ${interval(idx)}; ` +
        (partner(idx) ? `next best site: ${partner(idx)}` : "no site takes its place");
    }
    if (data.high[idx] === null) return "site that may have no station";
    return `no station; one here costs ${interval(idx)}` + (partner(idx) ? `; ${partner(idx)} leaves for it` : "");
  };
  const ranked = (words) => {
    const hits = [];
    for (const [idx, id] of lowered.entries()) {
      if (id === words) hits.unshift(idx);
      else if (hits.length <= MOST && id.includes(words)) hits.push(idx);
    }
    return hits;
  };
  input.addEventListener("input", () => {
    const words = input.value.trim().toLowerCase();
    const hits = words ? ranked(words) : [];
    const items = hits.slice(0, MOST).map((idx) => {
      const item = document.createElement("li");
      const go = mapView.leadTo(data.id[idx]);
      const name = document.createElement(go ? "button" : "b");
      if (go) {
        Object.assign(name, { type: "button", className: "lead" });
        name.addEventListener("click", () => go(name));
      }
      name.textContent = data.id[idx];
      item.append(name, `: ${tell(idx)}`);
      return item;
    });
    if (hits.length > MOST) items.push(Object.assign(document.createElement("li"), { textContent: "… and more" }));
    if (words && !hits.length) items.push(Object.assign(document.createElement("li"), { textContent: "no site has this id" }));
    found.replaceChildren(...items);
  });
})();
