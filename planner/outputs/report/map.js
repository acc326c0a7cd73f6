// The map: zones summed to hexagons, stations, cities, and what the panel beside it switches.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const { cities, stations, levels, corridors } = data; // corridors: only where they were planned
  const byId = (id) => document.getElementById(id);
  const format = (value, digits = 0) => value === null || value === undefined ? "–"
    : new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
      .format(value).replace("-", "\u2212");
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

  const state = { season: "design", pack: data.first_pack };
  const isShown = (layer) => document.querySelector(`input[name=layer][value=${layer}]`).checked;
  const seasonTitle = () => data.seasons.find((season) => season.key === state.season).title;
  const rangeOf = (city) => (city.range[state.season] || [])[state.pack] ?? null;
  const rangeColour = (km) => km === null ? data.missing_colour
    : [...data.range_classes].reverse().find(([from]) => km >= from)[1];
  const chemistryOf = (city) => data.chemistries[city ? city.leading : -1];
  const chemistryColour = (city) => (chemistryOf(city) || { colour: data.missing_colour }).colour;

  // ---- what is drawn -------------------------------------------------------------------------

  const PLACES_PER_DEGREE = 10000;
  const CORRIDOR_COLOUR = "#cc79a7";
  const mostHouseholds = levels.map(({ tiles }) => {
    const all = tiles.flatMap((tile) => tile.households).sort((a, b) => a - b);
    return Math.max(1, all[Math.floor(0.98 * (all.length - 1))] || 1);
  });

  function cellFeatures(level, tileIdx) {
    const tile = levels[level].tiles[tileIdx];
    return tile.x.map((x, idx) => {
      const lon = tile.at[0] + x / PLACES_PER_DEGREE;
      const lat = tile.at[1] + tile.y[idx] / PLACES_PER_DEGREE;
      const ring = tile.outlines[tile.outline[idx]].map(([dx, dy]) => [lon + dx, lat + dy]);
      ring.push(ring[0]);
      const shown = (tile.minutes || tile.served)[idx];
      const share = Math.min(1, tile.households[idx] / mostHouseholds[level]);
      return {
        type: "Feature",
        geometry: { type: "Polygon", coordinates: [ring] },
        properties: {
          level, tile: tileIdx, cell: idx,
          colour: shown < 0 ? data.missing_colour
            : data.cell_classes.find(([below]) => shown < below)[1],
          opacity: 0.15 + 0.75 * share ** 0.6,
        },
      };
    });
  }

  const smallestBays = Math.min(...stations.types.map((type) => type.bays));
  const stationSize = (type) => Math.sqrt(stations.types[type].bays / smallestBays);
  const stationFeatures = () => stations.id.map((_id, idx) =>
    point(stations.lon[idx], stations.lat[idx], {
      station: idx,
      colour: chemistryColour(cities[stations.city[idx]]),
      size: stationSize(stations.type[idx]),
      order: stations.type[idx],
    }));
  const cityFeatures = () => cities.map((city, idx) =>
    point(city.lon, city.lat, {
      city: idx,
      colour: rangeColour(rangeOf(city)),
      swaps: city.swaps,
      label: `city|${idx}|${isShown("ranges") ? `${format(rangeOf(city))} km` : ""}`,
    }));

  const mostSwaps = corridors ? Math.max(...corridors.stations.winter_swaps, 1e-9) : 0;
  const corridorFeatures = () => corridors.stations.id.map((_id, idx) =>
    point(corridors.stations.lon[idx], corridors.stations.lat[idx], {
      corridor: idx, size: 0.6 + 0.6 * Math.sqrt(corridors.stations.winter_swaps[idx] / mostSwaps),
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

  // ---- legend, details, controls: they stand without the map, too ----------------------------

  function legendList(title, entries) {
    const part = element("div");
    const list = element("ul");
    part.append(element("h4", title), list);
    for (const { colour, text, px, shape } of entries) {
      const entry = element("li");
      const swatch = element("span", "", `swatch ${px ? "dot" : shape || ""}`.trim());
      swatch.style.background = colour;
      if (px) { swatch.style.width = swatch.style.height = `${px}px`; }
      entry.append(swatch, element("span", text));
      list.append(entry);
    }
    return part;
  }

  function showLegend() {
    const parts = [];
    if (isShown("cells")) {
      parts.push(legendList(data.cell_title,
        data.cell_classes.map(([, colour, text]) => ({ colour, text }))));
    }
    if (isShown("stations") && stations.id.length) {
      const present = new Set(cities.map((city) => city.leading));
      const leading = data.chemistries.filter((_chemistry, idx) => present.has(idx));
      parts.push(legendList("Stations: most vehicles of the city use", leading.map(
        ({ name, colour }) => ({ colour, text: name, px: 12 }))));
      parts.push(legendList("Station size", stations.types.map(
        ({ id, bays }, type) => ({ colour: "#55606e", text: `${bays} bays (${id})`, px: 7 * stationSize(type) }))));
    }
    if (corridors && isShown("roads") && corridors.roads.from.length) {
      parts.push(legendList("Roads: trips refuelled in winter",
        corridors.share_classes.map(([, colour, text]) => ({ colour, text, shape: "line" }))));
    }
    if (corridors && isShown("corridors") && corridors.stations.id.length) {
      parts.push(legendList("Corridor stations", [
        { colour: CORRIDOR_COLOUR, text: "larger for more swaps in winter", shape: "diamond" }]));
    }
    if (isShown("ranges") && data.range_classes.length) {
      const ends = data.range_classes.map(([from]) => from);
      parts.push(legendList(`Range with ${data.packs[state.pack]}: ${seasonTitle()}`,
        data.range_classes.map(([from, colour], idx) => ({
          colour, px: 13,
          text: idx + 1 < ends.length ? `${from} to ${ends[idx + 1]} km` : `${from} km and more`,
        }))));
    }
    byId("legend").replaceChildren(...parts);
  }

  function showDetails(title, rows, ...extra) {
    const list = element("dl");
    for (const [key, value] of rows) list.append(element("dt", key), element("dd", value));
    const close = element("button", "×");
    close.type = "button";
    close.setAttribute("aria-label", "Close details");
    close.addEventListener("click", () => { byId("details").hidden = true; });
    byId("details").replaceChildren(close, element("h4", title), list, ...extra);
    byId("details").hidden = false;
  }

  function showCity(city) {
    const table = element("table");
    const head = table.createTHead().insertRow();
    const seasons = data.seasons.filter(({ key }) => key in city.range);
    head.append(element("th", "Range [km]"),
      ...seasons.map(({ title }) => element("th", title, "number")));
    data.packs.forEach((pack, idx) => {
      const row = table.insertRow();
      row.append(element("td", pack),
        ...seasons.map(({ key }) => element("td", format(city.range[key][idx]), "number")));
    });
    showDetails(`${city.name} ${city.name_zh}`.trim(), [
      ["Province", city.province],
      ["Stations", format(city.stations)],
      ["Swaps asked for", `${format(city.swaps)} per day`],
      ["Swaps served", percent(city.served)],
      ["Households served", percent(city.households_served)],
      ["Swap vehicles", format(city.vehicles)],
      ...data.chemistries.map(({ name }, idx) => [`… on ${name}`, format(city.by_chemistry[idx])]),
      ["… without a pack", format(city.without_pack)],
      ["January mean", `${format(city.temperature.january, 1)} °C`],
      ["Winter design day", `${format(city.temperature.design, 1)} °C`],
    ], ...(data.packs.length ? [table] : []));
  }

  function showStation(idx) {
    const city = cities[stations.city[idx]];
    const type = stations.types[stations.type[idx]];
    const used = stations.capacity[idx] ? stations.peak[idx] / stations.capacity[idx] : null;
    const extra = [];
    const hours = stations.swaps_by_hour[idx];
    if (hours) {
      const highest = Math.max(...hours, 1e-9);
      const bars = element("div", "", "hours");
      bars.setAttribute("role", "img");
      bars.setAttribute("aria-label", `Swaps by hour, at most ${format(highest, 1)}`);
      bars.append(...hours.map((swaps, hour) => {
        const bar = element("i");
        bar.style.height = `${100 * swaps / highest}%`;
        bar.title = `${hour}:00 ${format(swaps, 1)} swaps`;
        return bar;
      }));
      const scale = element("div", "", "hours-scale");
      scale.append(...["0 h", "swaps by hour", "24 h"].map((text) => element("span", text)));
      extra.push(bars, scale);
    }
    showDetails(`Station ${stations.id[idx]}`, [
      ["City", city ? city.name : "–"],
      ["Type", `${type.id}, ${type.bays} bays`],
      ["Swaps", `${format(stations.swaps[idx], 1)} per day`],
      ["Peak hour, winter", `${format(stations.peak[idx], 1)} of ${format(stations.capacity[idx], 1)} swaps`],
      ["Utilisation", percent(used)],
      ["Zones served", format(stations.zones[idx])],
      ["Mean drive time", `${format(stations.drive[idx], 1)} min`],
      ["Longitude, latitude", `${stations.lon[idx].toFixed(4)}, ${stations.lat[idx].toFixed(4)}`],
    ], ...extra);
  }

  function showCorridorStation(idx) {
    const { id, city, type, status, lon, lat, capex, winter_swaps: winter, summer_swaps: summer,
            winter_trips: winterTrips, summer_trips: summerTrips, holiday, capacity } = corridors.stations;
    showDetails(`Corridor station ${id[idx]}`, [
      ["Nearest city", cities[city[idx]] ? cities[city[idx]].name : "–"],
      ["Type", `${type[idx]}, ${status[idx]}`],
      ["Swaps in winter", `${format(winter[idx], 1)} per day`],
      ["Swaps in summer", `${format(summer[idx], 1)} per day`],
      ["Trips in winter", `${format(winterTrips[idx], 1)} per day`],
      ["Trips in summer", `${format(summerTrips[idx], 1)} per day`],
      ["Peak hour, holiday", `${format(holiday[idx], 1)} of ${format(capacity[idx], 1)} swaps`],
      ["Investment", `${format(capex[idx])} CNY`],
      ["Longitude, latitude", `${lon[idx].toFixed(4)}, ${lat[idx].toFixed(4)}`],
    ]);
  }

  function roadRows(idx) {
    const { roads } = corridors;
    return ["winter", "summer"].flatMap((season) => [
      [`Refuelled in ${season}`, roads[`${season}_share`][idx] === null ? "no trips"
        : `${roads[`${season}_share`][idx]} % of ${format(roads[`${season}_trips`][idx], 1)} trips per day`],
      [`Temperature in ${season}`, `${format(roads[`${season}_c`][idx])} °C`],
    ]);
  }
  const roadTitle = (idx) =>
    `${corridors.roads.ferry[idx] ? "Ferry" : "Road"}, ${format(corridors.roads.km[idx], 1)} km`;

  function cellRows({ level, tile, cell }) {
    const cells = levels[level].tiles[tile];
    return [
      ["Swaps served", cells.served[cell] < 0 ? "none asked for" : `${cells.served[cell]} %`],
      ...(cells.minutes && cells.minutes[cell] >= 0
        ? [["Way to a station", `${format(cells.minutes[cell] / 10, 1)} min`]] : []),
      ["Swaps asked for", `${format(cells.swaps[cell] / 10, 1)} per day`],
      ["Car-owning households", format(cells.households[cell])],
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
  cities.map((city, idx) => [city.name, idx]).sort(([a], [b]) => a.localeCompare(b, "en"))
    .forEach(([name, idx]) => {
      const option = element("option", name);
      option.value = idx;
      byId("find").append(option);
    });
  showLegend();

  // ---- the map --------------------------------------------------------------------------------

  const hasWebGl = (() => {
    try {
      return Boolean(document.createElement("canvas").getContext("webgl2"));
    } catch {
      return false;
    }
  })();
  if (!hasWebGl) {
    byId("map-missing").textContent = "The map needs WebGL, which this browser does not offer: it " +
      "may be switched off, or this is a remote desktop without graphics. Another browser will " +
      "show the map; all its figures stand in the tables below, its layers in plan.gpkg.";
    byId("map-missing").hidden = false;
    document.documentElement.dataset.map = "missing";
  }

  function boundsOf(points) {
    const bounds = new maplibregl.LngLatBounds();
    for (const [lon, lat] of points) bounds.extend([lon, lat]);
    return bounds;
  }
  const stationPoints = (of = () => true) => stations.lon
    .map((lon, idx) => [lon, stations.lat[idx], stations.city[idx]]).filter(([, , city]) => of(city));
  const everything = () => boundsOf([...cities.map(({ lon, lat }) => [lon, lat]), ...stationPoints()]);
  const FIT = { padding: 30, maxZoom: 12 };

  // Text as images: fonts of the reader's machine, and MapLibre keeps them from colliding.
  const LABEL_PIXEL_RATIO = 2;
  function drawLabel(lines, { size, weight, colour }) {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const font = `${weight} ${size * LABEL_PIXEL_RATIO}px ${getComputedStyle(document.body).fontFamily}`;
    context.font = font;
    const line = Math.ceil(size * 1.2) * LABEL_PIXEL_RATIO;
    const halo = 2 * LABEL_PIXEL_RATIO;
    canvas.width = Math.ceil(Math.max(...lines.map((text) => context.measureText(text).width))) + 2 * halo;
    canvas.height = line * lines.length + 2 * halo;
    Object.assign(context, {
      font, textAlign: "center", textBaseline: "middle", lineJoin: "round",
      strokeStyle: "rgba(255,255,255,.92)", lineWidth: 2 * halo, fillStyle: colour,
    });
    for (const paint of ["strokeText", "fillText"]) {
      for (const [idx, text] of lines.entries()) {
        context[paint](text, canvas.width / 2, halo + line * (idx + 0.5));
      }
    }
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }
  function drawDiamond(size) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 2 * size * LABEL_PIXEL_RATIO;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const middle = size * LABEL_PIXEL_RATIO, reach = middle - LABEL_PIXEL_RATIO;
    Object.assign(context, {
      fillStyle: CORRIDOR_COLOUR, strokeStyle: "#fff", lineWidth: 2 * LABEL_PIXEL_RATIO, lineJoin: "round",
    });
    context.beginPath();
    for (const [x, y] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(middle + x * reach, middle + y * reach);
    context.closePath();
    context.fill();
    context.stroke();
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }
  function imageFor(id) {
    const [kind, text, second] = id.split("|");
    if (kind === "diamond") return drawDiamond(11);
    return kind === "city"
      ? drawLabel([cities[text].name, second].filter(Boolean), { size: 12.5, weight: 600, colour: "#1c2430" })
      : drawLabel([text], { size: 11, weight: 400, colour: "#6b7682" });
  }

  function graticule(map) {
    const bounds = map.getBounds();
    const span = bounds.getEast() - bounds.getWest();
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 45].find((size) => span / size <= 9) || 45;
    const digits = step < 1 ? 1 : 0;
    const name = (degrees, [plus, minus]) =>
      `${Math.abs(degrees).toFixed(digits)}° ${degrees < 0 ? minus : plus}`;
    const from = (low) => Math.ceil(low / step) * step;
    const features = [];
    const south = bounds.getSouth(), north = bounds.getNorth(), west = bounds.getWest();
    const corner = map.unproject([6, 5]);
    const line = (coordinates) =>
      features.push({ type: "Feature", geometry: { type: "LineString", coordinates }, properties: {} });
    for (let lon = from(west); lon <= bounds.getEast(); lon += step) {
      line([[lon, Math.max(south, -85)], [lon, Math.min(north, 85)]]);
      features.push(point(lon, corner.lat, { label: `grid|${name(lon, ["E", "W"])}`, anchor: "top" }));
    }
    for (let lat = from(Math.max(south, -85)); lat <= Math.min(north, 85); lat += step) {
      line([[west, lat], [bounds.getEast(), lat]]);
      features.push(point(corner.lng, lat, { label: `grid|${name(lat, ["N", "S"])}`, anchor: "left" }));
    }
    return collection(features);
  }

  // A level gives way to the next finer one when its cells are some 20 pixels wide.
  const levelFor = (zoom) => {
    const finer = levels.findIndex(({ resolution }) => zoom < 6.8 + 1.4 * (resolution - 5));
    return finer < 0 ? levels.length - 1 : finer;
  };

  function drawMap() {
    const source = (features = []) => ({ type: "geojson", data: collection(features), tolerance: 0.1 });
    const byZoom = (...stops) => ["interpolate", ["linear"], ["zoom"], ...stops];
    const sized = (px) => ["*", px, ["get", "size"]];
    const map = new maplibregl.Map({
      container: "map",
      style: {
        version: 8,
        sources: {
          cells: source(), grid: source(), stations: source(stationFeatures()), cities: source(cityFeatures()),
          roads: source(corridors ? roadFeatures() : []), corridors: source(corridors ? corridorFeatures() : []),
        },
        layers: [
          { id: "background", type: "background", paint: { "background-color": "#fbfbfa" } },
          { id: "grid", type: "line", source: "grid", filter: ["==", ["geometry-type"], "LineString"],
            paint: { "line-color": "#dfe4e8", "line-width": 1 } },
          { id: "cells", type: "fill", source: "cells",
            paint: { "fill-color": ["get", "colour"], "fill-opacity": ["get", "opacity"], "fill-antialias": false } },
          ...["roads", "ferries"].map((id) => ({
            id, type: "line", source: "roads", filter: ["==", ["get", "ferry"], id === "ferries" ? 1 : 0],
            layout: { "line-sort-key": ["get", "order"], "line-cap": id === "roads" ? "round" : "butt" },
            paint: {
              "line-color": ["get", "colour"],
              "line-width": byZoom(3, ["+", 0.5, ["*", 1.8, ["get", "strength"]]],
                                   8, ["+", 1, ["*", 5, ["get", "strength"]]]),
              ...(id === "ferries" ? { "line-dasharray": [2, 2] } : {}),
            },
          })),
          { id: "stations", type: "circle", source: "stations", layout: { "circle-sort-key": ["get", "order"] },
            paint: {
              "circle-color": ["get", "colour"],
              "circle-radius": byZoom(3, sized(1.5), 6, sized(2.5), 9, sized(4.5), 12, sized(8)),
              "circle-stroke-color": "#fff",
              "circle-stroke-width": byZoom(4, 0.25, 7, 0.7, 10, 1.4),
            } },
          { id: "corridors", type: "symbol", source: "corridors",
            layout: {
              "icon-image": "diamond", "icon-allow-overlap": true, "icon-ignore-placement": true,
              "icon-size": byZoom(3, sized(0.35), 6, sized(0.75), 10, sized(1.1)),
            } },
          { id: "ranges", type: "circle", source: "cities", layout: { visibility: "none" },
            paint: {
              "circle-color": ["get", "colour"], "circle-radius": byZoom(3, 6, 7, 11, 11, 16),
              "circle-stroke-color": "#fff", "circle-stroke-width": 1.5,
            } },
          { id: "grid-names", type: "symbol", source: "grid", filter: ["has", "label"],
            layout: { "icon-image": ["get", "label"], "icon-anchor": ["get", "anchor"],
                      "icon-allow-overlap": true, "icon-ignore-placement": true } },
          { id: "names", type: "symbol", source: "cities",
            layout: {
              "icon-image": ["get", "label"], "icon-anchor": "bottom",
              "icon-offset": [0, -1], "icon-padding": 1, "symbol-sort-key": ["-", 0, ["get", "swaps"]],
            } },
        ],
      },
      bounds: everything(),
      fitBoundsOptions: FIT,
      maxZoom: 14,
      renderWorldCopies: false,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: 0,
      canvasContextAttributes: { preserveDrawingBuffer: true, antialias: true }, // or paper stays blank
      locale: { "Map.Title": "Map of stations and zones; arrow keys move it, plus and minus zoom" },
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new maplibregl.ScaleControl({ maxWidth: 140 }), "bottom-left");
    map.on("styleimagemissing", ({ id }) => {
      if (!map.hasImage(id)) map.addImage(id, imageFor(id), { pixelRatio: LABEL_PIXEL_RATIO });
    });

    let drawnCells = "";
    function showView() {
      map.getSource("grid").setData(graticule(map));
      if (!levels.length || !isShown("cells")) return;
      const level = levelFor(map.getZoom());
      const view = map.getBounds();
      const seen = levels[level].tiles.map(({ box }, idx) => [box, idx])
        .filter(([[west, south, east, north]]) => level === 0 || (west <= view.getEast() &&
          east >= view.getWest() && south <= view.getNorth() && north >= view.getSouth()))
        .map(([, idx]) => idx);
      const wanted = `${level}:${seen.join()}`;
      if (wanted === drawnCells) return;
      drawnCells = wanted;
      map.getSource("cells").setData(collection(seen.flatMap((tile) => cellFeatures(level, tile))));
    }
    map.on("load", () => {
      showView();
      map.on("moveend", showView);
    });
    map.on("idle", () => { document.documentElement.dataset.map = "drawn"; });

    function refresh() {
      document.documentElement.dataset.map = "drawing";
      for (const layer of ["cells", "stations", "ranges", "names", ...(corridors ? ["roads", "corridors"] : [])]) {
        map.setLayoutProperty(layer, "visibility", isShown(layer) ? "visible" : "none");
      }
      if (corridors) map.setLayoutProperty("ferries", "visibility", isShown("roads") ? "visible" : "none");
      map.setLayoutProperty("names", "icon-offset", [0, isShown("ranges") ? -5 : -1]);
      map.getSource("cities").setData(collection(cityFeatures()));
      showView();
      map.triggerRepaint();
    }

    const tip = byId("map-tip");
    const PICKED = ["ranges", "corridors", "stations", "names", "roads", "ferries", "cells"];
    const at = (where) => {
      const box = [[where.x - 3, where.y - 3], [where.x + 3, where.y + 3]];
      const found = map.queryRenderedFeatures(box, { layers: PICKED });
      return found.sort((a, b) => PICKED.indexOf(a.layer.id) - PICKED.indexOf(b.layer.id))[0];
    };
    map.on("mousemove", ({ point: where }) => {
      const found = at(where);
      tip.hidden = !found;
      map.getCanvas().style.cursor = found ? "pointer" : "";
      if (!found) return;
      const { city, station, level, corridor, road } = found.properties;
      if (station !== undefined) {
        tip.textContent = `Station ${stations.id[station]}\n${format(stations.swaps[station], 1)} swaps per day, ` +
          `${stations.types[stations.type[station]].bays} bays`;
      } else if (city !== undefined) {
        const range = rangeOf(cities[city]);
        tip.textContent = `${cities[city].name} ${cities[city].name_zh}\n${format(cities[city].stations)} stations, ` +
          `${percent(cities[city].served)} of swaps served` + (range === null ? ""
            : `\n${format(range)} km with ${data.packs[state.pack]}: ${seasonTitle()}`);
      } else if (corridor !== undefined) {
        tip.textContent = `Corridor station ${corridors.stations.id[corridor]}\n` +
          ["winter", "summer"].map((season) =>
            `${format(corridors.stations[`${season}_swaps`][corridor], 1)} swaps per day in ${season}`).join("\n");
      } else if (road !== undefined) {
        tip.textContent = [roadTitle(road), ...roadRows(road).map(([key, value]) => `${key}: ${value}`)].join("\n");
      } else if (level !== undefined) {
        tip.textContent = cellRows(found.properties).map(([key, value]) => `${key}: ${value}`).join("\n");
      }
      const frame = map.getContainer();
      tip.style.left = `${Math.min(where.x + 14, frame.clientWidth - tip.offsetWidth - 6)}px`;
      tip.style.top = `${Math.min(where.y + 14, frame.clientHeight - tip.offsetHeight - 6)}px`;
    });
    map.on("mouseout", () => { tip.hidden = true; });
    map.on("click", ({ point: where }) => {
      const found = at(where);
      if (!found) return;
      const { city, station, corridor, road } = found.properties;
      if (station !== undefined) showStation(station);
      else if (corridor !== undefined) showCorridorStation(corridor);
      else if (road !== undefined) showDetails(roadTitle(road), roadRows(road));
      else if (city !== undefined) showCity(cities[city]);
      else showDetails("Cell of zones", cellRows(found.properties));
    });

    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    return {
      refresh,
      goTo: (bounds) => {
        // What the details cover does not count as map.
        const { offsetWidth, offsetLeft, hidden } = byId("details");
        const covered = hidden || map.getContainer().clientWidth < 3 * offsetWidth ? 0 : offsetLeft + offsetWidth;
        const padding = { top: FIT.padding, bottom: FIT.padding, right: FIT.padding, left: FIT.padding + covered };
        map.fitBounds(bounds, { ...FIT, padding, animate: !still, duration: 900 });
      },
    };
  }

  const map = hasWebGl ? drawMap() : { refresh() {}, goTo() {} };
  function change() {
    showLegend();
    map.refresh();
  }
  for (const box of document.querySelectorAll("input[name=layer]")) box.addEventListener("change", change);
  const showRanges = () => {
    document.querySelector("input[name=layer][value=ranges]").checked = true;
    change();
  };
  byId("seasons").addEventListener("change", (event) => { state.season = event.target.value; showRanges(); });
  byId("pack").addEventListener("change", (event) => { state.pack = Number(event.target.value); showRanges(); });
  byId("find").addEventListener("change", (event) => {
    if (event.target.value === "") return;
    const idx = Number(event.target.value);
    showCity(cities[idx]);
    if (hasWebGl) map.goTo(boundsOf([[cities[idx].lon, cities[idx].lat], ...stationPoints((city) => city === idx)]));
  });
  byId("whole").addEventListener("click", () => hasWebGl && map.goTo(everything()));
})();
