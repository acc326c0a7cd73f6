// What the map draws, and the panel beside it: features, legend, details. It stands without the map.
"use strict";
// biome-ignore lint/correctness/noUnusedVariables: map.js, behind it on the page, draws with it
const mapPanel = (() => {
  const data = JSON.parse(document.getElementById("map-data").textContent);
  // corridors, waits, phases, costs: only where they were planned, stations simulated, reasons told
  const { cities, stations, levels, corridors, waits, phases, costs } = data;
  const byId = (id) => document.getElementById(id);
  // Every text that a reader sees, in the language chosen; {} takes the next value, {1} the second.
  const say = (text, ...values) => {
    let next = 0;
    return (data.words[text] ?? text).replace(/\{(\d?)\}/g, (_place, which) => values[which || next++]);
  };
  const cityName = (city) => (data.language === "zh" && city.name_zh) || city.name;
  const format = (value, digits = 0) => value === null || value === undefined ? "–"
    : new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
      .format(value).replace("-", "\u2212");
  const plainLon = (lon) => lon - 360 * Math.floor((lon + 180) / 360); // data may run on beyond 180
  const percent = (share) => share === null ? "–" : `${format(100 * share, 1)} %`;
  const collection = (features) => ({ type: "FeatureCollection", features });
  const point = (lon, lat, properties) =>
    ({ type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties });
  const element = (name, text = "", className = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const state = { season: "design", pack: data.first_pack, look: "chemistry", period: phases ? phases.names.length - 1 : 0 };
  const isShown = (layer) => document.querySelector(`input[name=layer][value=${layer}]`).checked;
  const seasonTitle = () => data.seasons.find((season) => season.key === state.season).title;
  const rangeOf = (city) => (city.range[state.season] || [])[state.pack] ?? null;
  const rangeColour = (km) => km === null ? data.missing_colour
    : [...data.range_classes].reverse().find(([from]) => km >= from)[1];
  const chemistryOf = (city) => data.chemistries[city ? city.leading : -1];
  const chemistryColour = (city) => (chemistryOf(city) || { colour: data.missing_colour }).colour;

  // ---- what is drawn -------------------------------------------------------------------------

  const PLACES_PER_DEGREE = 10000;
  const LARGEST = 0.96; // of a cell's width
  const manySwaps = levels.map(({ tiles }) => {
    const all = tiles.flatMap((tile) => tile.swaps).filter((swaps) => swaps > 0).sort((a, b) => a - b);
    return all[Math.floor(0.99 * (all.length - 1))] || 1;
  });

  function cellFeatures(level, tileIdx) {
    const tile = levels[level].tiles[tileIdx];
    return tile.x.flatMap((x, idx) => {
      const lon = tile.at[0] + x / PLACES_PER_DEGREE;
      const lat = tile.at[1] + tile.y[idx] / PLACES_PER_DEGREE;
      const outline = (size) => {
        const ring = tile.outlines[tile.outline[idx]].map(([dx, dy]) => [lon + size * dx, lat + size * dy]);
        return { type: "Polygon", coordinates: [[...ring, ring[0]]] };
      };
      const bare = { type: "Feature", geometry: outline(LARGEST), properties: { level, tile: tileIdx, cell: idx } };
      const shown = (tile.minutes || tile.served)[idx];
      if (shown < 0 || tile.swaps[idx] === 0) return [bare];
      // The area tells how many swaps are asked for: a map of equal areas would tell of empty land.
      const size = LARGEST * Math.sqrt(Math.min(1, tile.swaps[idx] / manySwaps[level]));
      const colour = data.cell_classes.find(([below]) => shown < below)[1];
      return [bare, { type: "Feature", geometry: outline(size), properties: { colour } }];
    });
  }

  const waterFeatures = () => data.water.polygons.map((rings) => ({
    type: "Feature",
    geometry: {
      type: "Polygon",
      coordinates: rings.map((steps) => {
        let [x, y] = [0, 0];
        return Array.from({ length: steps.length / 2 }, (_corner, idx) => {
          x += steps[2 * idx];
          y += steps[2 * idx + 1];
          return [x / data.water.steps_per_degree, y / data.water.steps_per_degree];
        });
      }),
    },
    properties: {},
  }));

  // Which type stands at a station in the period that is shown; -1 where none does yet.
  const typeOf = (idx) => phases ? phases.types[idx][state.period] : stations.type[idx];
  const isLastPeriod = () => !phases || state.period === phases.names.length - 1;
  const opensText = (idx) => phases.opens[idx] < 0 ? say("stood before") : say("opens {}", phases.names[phases.opens[idx]]);
  const swapsOf = (idx) => isLastPeriod() ? stations.swaps[idx] : phases.swaps[idx][state.period];
  const costRank = (idx) => stations.cost[idx] === null ? -1
    : costs.classes.findLastIndex(([from]) => stations.cost[idx] >= from);
  const costFigure = (cost) => cost === 0 ? "0" : format(cost, cost >= 10 ? 0 : cost >= 1 ? 1 : 2);
  function costRows(idx) {
    if (!costs) return [];
    if (stations.cost[idx] === null) return [[say("Replacement cost"), say("stands already")]];
    const [low, high] = [stations.cost_low[idx] ?? stations.cost[idx], stations.cost[idx]].map(costFigure);
    return [
      [say("Replacement cost"), `${low === high ? high : say("{} to {}", low, high)} ${costs.unit}`],
      [say("Next best site"), stations.next_best[idx] || say("none")],
    ];
  }
  const stationColour = (idx) => {
    if (state.look === "share") return withinColour(stations.within?.[idx]);
    if (state.look === "cost") return costRank(idx) < 0 ? data.missing_colour : costs.classes[costRank(idx)][1];
    if (state.look === "opening") return phases.colours[phases.opens[idx]] ?? data.missing_colour;
    return chemistryColour(cities[stations.city[idx]]);
  };

  const smallestBays = Math.min(...stations.types.map((type) => type.bays));
  const stationSize = (type) => Math.sqrt(stations.types[type].bays / smallestBays);
  const verdictOf = ({ verdict }, idx) => waits?.verdicts[verdict?.[idx]] ?? null;
  const withinColour = (share) => share === null || share === undefined ? data.missing_colour
    : waits.classes.find(([below]) => 100 * share < below)[1];
  // By verdict a mark's shape and size tell it too; what needs a look lies on top.
  const verdictMark = (of, idx) => {
    const look = verdictOf(of, idx);
    return {
      icon: `verdict|${look ? look.verdict : ""}`, size: look ? look.size : 0.8,
      order: look ? waits.verdicts.length - of.verdict[idx] : 0,
    };
  };
  const stationFeatures = () => stations.id.map((_id, idx) => idx).filter((idx) => typeOf(idx) >= 0).map((idx) =>
    point(stations.lon[idx], stations.lat[idx], {
      station: idx,
      colour: stationColour(idx),
      stroke: state.look === "share" || state.look === "cost" ? data.soft_ink // a class is pale
        : !isLastPeriod() && phases.opens[idx] === state.period ? data.ink : "#fff",
      size: state.look === "cost" ? 0.8 + 0.3 * Math.max(0, costRank(idx)) : stationSize(typeOf(idx)),
      order: state.look === "cost" ? costRank(idx) : state.look === "share" ? -(stations.within[idx] ?? 2) : typeOf(idx),
      ...(state.look === "verdict" ? verdictMark(stations, idx) : {}),
    }));
  const mostStations = phases ? Math.max(1, ...phases.city_stations.flat()) : 1;
  const cityThen = (idx) => {
    const served = phases.city_served[idx][state.period];
    return {
      then_colour: served === null ? data.missing_colour : data.served_classes.find(([below]) => 100 * served < below)[1],
      then_size: 0.4 + Math.sqrt(phases.city_stations[idx][state.period] / mostStations),
    };
  };
  const cityFeatures = () => cities.map((city, idx) =>
    point(city.lon, city.lat, {
      city: idx,
      colour: rangeColour(rangeOf(city)),
      ...(phases ? cityThen(idx) : {}),
    }));

  const mostSwaps = corridors ? Math.max(...corridors.stations.winter_swaps, 1e-9) : 0;
  const corridorFeatures = () => corridors.stations.id.map((_id, idx) =>
    point(corridors.stations.lon[idx], corridors.stations.lat[idx], {
      corridor: idx, size: 0.6 + 0.6 * Math.sqrt(corridors.stations.winter_swaps[idx] / mostSwaps),
      icon: state.look === "share" ? `diamond|${withinColour(corridors.stations.within?.[idx])}`
        : `diamond|${corridors.colour}`,
      order: 0,
      ...(state.look === "verdict" ? verdictMark(corridors.stations, idx) : {}),
    }));
  const manyTrips = corridors
    ? [...corridors.roads.winter_trips].sort((a, b) => a - b)[Math.floor(0.98 * (corridors.roads.from.length - 1))] || 1
    : 1;
  const shareColour = (share) => share === null ? data.missing_colour
    : corridors.share_classes.find(([below]) => share < below)[1];
  const roadFeatures = () => corridors.roads.from.map((from, idx) => {
    const { nodes, to, ferry, winter_share: share, winter_trips: trips } = corridors.roads;
    return {
      type: "Feature",
      geometry: { type: "LineString", coordinates: [nodes[from], nodes[to[idx]]] },
      properties: {
        road: idx, ferry: ferry[idx], colour: shareColour(share[idx]),
        strength: Math.min(1, Math.sqrt(trips[idx] / manyTrips)),
        order: share[idx] === null ? -101 : -share[idx], // what breaks lies on top
      },
    };
  });

  // ---- legend, details, controls ---------------------------------------------------------------

  const isShownBetween = () => Boolean(corridors?.stations.id.length) && isShown("corridors");
  function legendList(title, entries) {
    const part = element("div");
    const list = element("ul");
    part.append(element("h4", title), list);
    for (const { colour, text, px, shape } of entries) {
      const entry = element("li");
      const swatch = element("span", "", `swatch ${shape || (px ? "dot" : "")}`.trim());
      swatch.style.background = colour;
      if (px) { swatch.style.width = swatch.style.height = `${px}px`; }
      entry.append(swatch, element("span", text));
      list.append(entry);
    }
    return part;
  }

  function showLegend() {
    const parts = [];
    if (isShown("cells") && !isLastPeriod()) {
      const part = legendList(say("Swaps served by city, {}", phases.names[state.period]),
        data.served_classes.map(([, colour, text]) => ({ colour, text, px: 13 })));
      part.append(element("p", say("Larger: more stations. Zones show at the end of the slider."), "sizes"));
      parts.push(part);
    } else if (isShown("cells")) {
      const part = legendList(data.cell_title, [
        ...data.cell_classes.map(([, colour, text]) => ({ colour, text })),
        { colour: data.zone_colour, text: say("few or no swaps") }]);
      part.append(element("p", say("Coloured area: swaps asked for"), "sizes"));
      parts.push(part);
    }
    if (waits && state.look === "verdict" && (isShown("stations") || isShownBetween())) {
      const entries = waits.verdicts.map(({ label, colour, shape, size }) =>
        ({ colour, text: label, shape, px: 9 * size }));
      parts.push(legendList(say("Stations: verdict of the simulation"), entries));
    }
    if (waits && state.look === "share" && (isShown("stations") || isShownBetween())) {
      parts.push(legendList(say("Stations: drivers served within 5 min"), waits.classes.map(
        ([, colour, text]) => ({ colour, text, px: 12 }))));
    }
    if (phases && isShown("stations") && state.look === "opening") {
      const entries = phases.names.slice(0, state.period + 1)
        .map((name, idx) => ({ colour: phases.colours[idx], text: name, px: 12 }))
        .filter((_entry, idx) => phases.opens.includes(idx));
      if (phases.opens.includes(-1)) entries.push({ colour: data.missing_colour, text: say("stood before"), px: 12 });
      parts.push(legendList(say("Stations: period of opening"), entries));
    }
    if (isShown("stations") && stations.id.length && state.look === "chemistry") {
      const present = new Set(cities.map((city) => city.leading));
      const leading = data.chemistries.filter((_chemistry, idx) => present.has(idx));
      if (stations.city.some((city) => !chemistryOf(cities[city]))) {
        leading.push({ name: say("none has a pack"), colour: data.missing_colour });
      }
      parts.push(legendList(say("Stations: most vehicles of the city use"), leading.map(
        ({ name, colour }) => ({ colour, text: name, px: 12 }))));
    }
    if (costs && isShown("stations") && state.look === "cost") {
      const entries = costs.classes.map(([, colour, text], rank) => ({ colour, text, px: 9 + 3 * rank }));
      if (stations.cost.includes(null)) entries.push({ colour: data.missing_colour, text: say("stands already"), px: 9 });
      parts.push(legendList(`${say("Stations: cost to do without")} [${costs.unit}]`, entries));
    }
    if (isShown("stations") && stations.id.length && state.look !== "verdict" && state.look !== "cost") {
      parts.push(legendList(say("Station size"), stations.types.map(
        ({ id, bays }, type) => ({ colour: data.soft_ink, text: `${say("{} bays", bays)} (${id})`, px: 7 * stationSize(type) }))));
    }
    if (corridors && isShown("roads") && corridors.roads.from.length) {
      const entries = corridors.share_classes.map(([, colour, text]) => ({ colour, text, shape: "line" }));
      if (corridors.roads.winter_share.includes(null)) {
        entries.push({ colour: data.missing_colour, text: say("no trips"), shape: "line" });
      }
      parts.push(legendList(say("Roads: trips refuelled in winter"), entries));
    }
    if (isShownBetween() && state.look !== "verdict") {
      parts.push(legendList(say("Corridor stations"), [
        { colour: state.look === "share" ? data.soft_ink : corridors.colour, text: say("larger for more swaps in winter"), shape: "diamond" }]));
    }
    if (isShown("ranges") && data.range_classes.length) {
      const ends = data.range_classes.map(([from]) => from);
      const entries = data.range_classes.map(([from, colour], idx) => ({
        colour, px: 13,
        text: idx + 1 < ends.length ? say("{} to {}", from, `${ends[idx + 1]} km`) : say("{} and more", `${from} km`),
      }));
      if (cities.some((city) => rangeOf(city) === null)) {
        entries.push({ colour: data.missing_colour, px: 13, text: say("no vehicle that it fits") });
      }
      parts.push(legendList(`${say("Range with {}", data.packs[state.pack])}: ${seasonTitle()}`, entries));
    }
    byId("legend").replaceChildren(...parts);
  }

  const span = (low, high) => low === null || high === null ? ""
    : ` (${format(100 * low, 1)}–${format(100 * high, 1)})`;
  // Of a station, in a city or between two: what it was simulated to keep, and its packs.
  function waitRows(of, idx) {
    const rows = [];
    const look = verdictOf(of, idx);
    if (look) {
      rows.push(
        [say("Verdict"), look.label],
        ...(of.lacks[idx] ? [[say("Lacks"), of.lacks[idx]]] : []),
        [say("Within 5 min"), percent(of.within[idx]) + span(of.within_low[idx], of.within_high[idx])],
        [say("On time, busy h"), percent(of.on_time[idx]) + span(of.on_time_low[idx], of.on_time_high[idx])],
        [say("… in closed form"), percent(of.expected[idx])],
        [say("95 % wait at most"), say("{} min", format(of.p95[idx], 1))],
        [say("Find no full pack"), percent(of.no_pack[idx])],
      );
    } else if (waits) rows.push([say("Verdict"), say("not simulated")]);
    if (of.packs) {
      rows.push([say("Packs"), format(of.packs[idx].reduce((sum, count) => sum + count, 0))]);
      of.pack_types.forEach((pack, kind) => {
        if (of.packs[idx][kind]) rows.push([`… ${pack}`, format(of.packs[idx][kind])]);
      });
    }
    return rows;
  }

  // Who came from a row of a table goes back to it; who is on the map stays there.
  function showDetails({ title, rows, extra = [], from = null, at = null }) {
    const details = byId("details");
    const list = element("dl");
    for (const [key, value] of rows) list.append(element("dt", key), element("dd", value));
    const close = element("button", "×");
    close.type = "button";
    close.setAttribute("aria-label", say("Close details"));
    close.addEventListener("click", () => {
      details.hidden = true;
      details.dispatchEvent(new CustomEvent("place", { detail: null }));
      from?.focus();
    });
    details.replaceChildren(close, element("h4", title), list, ...extra);
    details.hidden = false;
    details.dispatchEvent(new CustomEvent("place", { detail: at }));
    details.scrollTop = 0;
    if (from) close.focus({ preventScroll: true });
    details.scrollIntoView({ block: "nearest" });
  }

  function showCity(city, from) {
    const table = element("table");
    const head = table.createTHead().insertRow();
    const seasons = data.seasons.filter(({ key }) => key in city.range);
    head.append(element("th", say("Range [km]")),
      ...seasons.map(({ title }) => element("th", title, "number")));
    data.packs.forEach((pack, idx) => {
      const row = table.insertRow();
      row.append(element("td", pack),
        ...seasons.map(({ key }) => element("td", format(city.range[key][idx]), "number")));
    });
    const names = [city.name, city.name_zh];
    showDetails({
      title: (data.language === "zh" ? names.reverse() : names).join(" ").trim(),
      rows: [
        [say("Province"), city.province],
        [say("Stations"), format(city.stations)],
        [say("Swaps asked for"), say("{} per day", format(city.swaps))],
        [say("Swaps served"), percent(city.served)],
        [say("Households served"), percent(city.households_served)],
        [say("Swap vehicles"), format(city.vehicles)],
        ...data.chemistries.map(({ name }, idx) => [say("… on {}", name), format(city.by_chemistry[idx])]),
        [say("… without a pack"), format(city.without_pack)],
        ...data.seasons.map(({ key, title }) => [title, `${format(city.temperature[key], 1)} °C`]),
      ],
      extra: data.packs.length ? [table] : [],
      from,
      at: [city.lon, city.lat],
    });
  }

  function showStation(idx, from) {
    const city = cities[stations.city[idx]];
    const type = stations.types[typeOf(idx)] || stations.types[stations.type[idx]];
    const used = stations.capacity[idx] ? stations.peak[idx] / stations.capacity[idx] : null;
    const extra = [];
    const hours = stations.swaps_by_hour[idx];
    if (hours) {
      const highest = Math.max(...hours, 1e-9);
      const bars = element("div", "", "hours");
      bars.setAttribute("role", "img");
      bars.setAttribute("aria-label", say("Swaps by hour, at most {}", format(highest, 1)));
      bars.append(...hours.map((swaps, hour) => {
        const bar = element("i");
        bar.style.height = `${100 * swaps / highest}%`;
        bar.title = `${hour}:00 ${say("{} swaps", format(swaps, 1))}`;
        return bar;
      }));
      const scale = element("div", "", "hours-scale");
      scale.append(...["0 h", say("swaps by hour"), "24 h"].map((text) => element("span", text)));
      extra.push(bars, scale);
    }
    showDetails({
      title: say("Station {}", stations.id[idx]),
      rows: [
        [say("City"), city ? cityName(city) : "–"],
        [say("Type"), `${type.id}, ${say("{} bays", type.bays)}`],
        ...(phases ? [[say("Opening"), opensText(idx)]] : []),
        ...(isLastPeriod() ? []
          : [[say("Swaps, {}", phases.names[state.period]), say("{} per day", format(swapsOf(idx), 1))]]),
        [say("Swaps"), say("{} per day", format(stations.swaps[idx], 1))],
        [say("Peak hour, winter"), say("{} of {} swaps", format(stations.peak[idx], 1), format(stations.capacity[idx], 1))],
        [say("Utilisation"), percent(used)],
        ...waitRows(stations, idx),
        ...costRows(idx),
        [say("Zones it serves"), format(stations.zones[idx])],
        [say("Mean drive time"), say("{} min", format(stations.drive[idx], 1))],
        placeRow(stations, idx),
      ],
      extra,
      from,
      at: [stations.lon[idx], stations.lat[idx]],
    });
  }
  const placeRow = ({ lon, lat }, idx) =>
    [say("Longitude, latitude"), `${plainLon(lon[idx]).toFixed(4)}, ${lat[idx].toFixed(4)}`];

  function showCorridorStation(idx, from) {
    const { id, city, type, status, capex, winter_swaps: winter, summer_swaps: summer,
            winter_trips: winterTrips, summer_trips: summerTrips, holiday, capacity } = corridors.stations;
    const perDay = (count) => say("{} per day", format(count, 1));
    showDetails({
      title: say("Corridor station {}", id[idx]),
      rows: [
        [say("Nearest city"), cities[city[idx]] ? cityName(cities[city[idx]]) : "–"],
        [say("Type"), `${type[idx]}, ${status[idx]}`],
        [say("Swaps in winter"), perDay(winter[idx])],
        [say("Swaps in summer"), perDay(summer[idx])],
        [say("Trips in winter"), perDay(winterTrips[idx])],
        [say("Trips in summer"), perDay(summerTrips[idx])],
        [say("Peak hour, holiday"), say("{} of {} swaps", format(holiday[idx], 1), format(capacity[idx], 1))],
        ...waitRows(corridors.stations, idx),
        [say("Investment"), `${format(capex[idx])} CNY`],
        placeRow(corridors.stations, idx),
      ],
      from,
      at: [corridors.stations.lon[idx], corridors.stations.lat[idx]],
    });
  }

  function roadRows(idx) {
    const { roads } = corridors;
    const refuelled = (season) => roads[`${season}_share`][idx] === null ? say("no trips")
      : say("{} of {} trips per day", `${roads[`${season}_share`][idx]} %`, format(roads[`${season}_trips`][idx], 1));
    return [
      [say("Refuelled in winter"), refuelled("winter")],
      [say("Temperature in winter"), `${format(roads.winter_c[idx])} °C`],
      [say("Refuelled in summer"), refuelled("summer")],
      [say("Temperature in summer"), `${format(roads.summer_c[idx])} °C`],
    ];
  }
  const roadTitle = (idx) =>
    `${corridors.roads.ferry[idx] ? say("Ferry") : say("Road")}, ${format(corridors.roads.km[idx], 1)} km`;

  function cellRows({ level, tile, cell }) {
    const cells = levels[level].tiles[tile];
    return [
      [say("Swaps served"), cells.served[cell] < 0 ? say("none asked for") : `${cells.served[cell]} %`],
      ...(cells.minutes && cells.minutes[cell] >= 0
        ? [[say("Way to a station"), say("{} min", format(cells.minutes[cell] / 10, 1))]] : []),
      [say("Swaps asked for"), say("{} per day", format(cells.swaps[cell] / 10, 1))],
      [say("Car-owning households"), format(cells.households[cell])],
    ];
  }

  for (const { key, title, has_data: hasData } of data.seasons) {
    const label = element("label");
    const input = element("input");
    Object.assign(input, {
      type: "radio", name: "season", value: key, checked: key === state.season, disabled: !hasData,
    });
    label.append(input, element("span", title));
    byId("seasons").append(label);
  }
  byId("season-note").hidden = data.seasons.every(({ has_data: hasData }) => hasData);
  data.packs.forEach((pack, idx) => {
    const option = element("option", pack);
    option.value = idx;
    option.selected = idx === state.pack;
    byId("pack").append(option);
  });
  cities.map((city, idx) => [cityName(city), idx]).sort(([a], [b]) => a.localeCompare(b, data.language))
    .forEach(([name, idx]) => {
      const option = element("option", name);
      option.value = idx;
      byId("find").append(option);
    });
  showLegend();

  return {
    data, say, cityName, cities, stations, levels, corridors, byId, format, percent, collection, point, state,
    isShown, seasonTitle, rangeOf, cellFeatures, stationFeatures, cityFeatures,
    corridorFeatures, roadFeatures, waterFeatures, showLegend, showDetails, showCity, showStation,
    showCorridorStation, roadRows, roadTitle, cellRows, plainLon, waits, verdictOf, phases,
    isLastPeriod, typeOf, swapsOf, opensText, costs,
  };
})();
