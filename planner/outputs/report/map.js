// The map: zones summed to hexagons, stations, cities; map_panel.js holds what it draws.
"use strict";
// biome-ignore lint/correctness/noUnusedVariables: rows of tables.js, behind it, lead to the map
const mapView = (() => {
  const {
    data, say, cityName, cities, stations, levels, corridors, byId, format, percent, collection, point, state,
    isShown, seasonTitle, rangeOf, cellFeatures, stationFeatures, cityFeatures,
    corridorFeatures, roadFeatures, waterFeatures, showLegend, showDetails, showCity, showStation,
    showCorridorStation, roadRows, roadTitle, cellRows, plainLon, waits, verdictOf, phases,
    isLastPeriod, typeOf, swapsOf, opensText, costs,
  } = mapPanel;

  const hasWebGl = (() => {
    try {
      return Boolean(document.createElement("canvas").getContext("webgl2"));
    } catch {
      return false;
    }
  })();
  if (!hasWebGl) {
    byId("map-missing").textContent = say("The map needs WebGL, which this browser does not offer: it may be switched off, or this is a remote desktop without graphics. Another browser will show the map; all its figures stand in the tables below, its layers in plan.gpkg.");
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
  const TURN = 2 * Math.PI;
  const corners = (count, start) => Array.from({ length: count }, (_corner, idx) =>
    [Math.cos(start + idx * TURN / count), Math.sin(start + idx * TURN / count)]);
  const SHAPES = {
    diamond: corners(4, 0), square: corners(4, TURN / 8), triangle: corners(3, -TURN / 4), circle: corners(40, 0),
  };
  function drawShape(shape, colour, size) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 2 * size * LABEL_PIXEL_RATIO;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const middle = size * LABEL_PIXEL_RATIO, reach = middle - LABEL_PIXEL_RATIO;
    Object.assign(context, {
      fillStyle: colour, strokeStyle: "#fff", lineWidth: 2 * LABEL_PIXEL_RATIO, lineJoin: "round",
    });
    context.beginPath();
    for (const [x, y] of SHAPES[shape]) context.lineTo(middle + x * reach, middle + y * reach);
    context.closePath();
    context.fill();
    context.stroke();
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }
  function imageFor(id) {
    const [kind, text, second] = id.split("|");
    if (kind === "diamond") return drawShape("diamond", text, 11);
    if (kind === "verdict") {
      const look = waits.verdicts.find(({ verdict }) => verdict === text);
      return look ? drawShape(look.shape, look.colour, 11) : drawShape("circle", data.missing_colour, 11);
    }
    return drawLabel([text, second].filter(Boolean), LOOKS[kind]);
  }
  const LOOKS = {
    large: { size: 12.5, weight: 600, colour: data.ink },
    small: { size: 11, weight: 400, colour: data.ink },
    grid: { size: 11, weight: 400, colour: data.soft_ink },
  };
  const drawn = new Map(); // what a label looks like tells how much room it takes
  function labelImage(id) {
    if (!drawn.has(id)) drawn.set(id, imageFor(id));
    return drawn.get(id);
  }

  const ALWAYS_NAMED = 30; // cities, the busiest first; others where there is room
  const byImportance = cities.map((_city, idx) => idx).sort((a, b) => cities[b].swaps - cities[a].swaps || a - b);
  function placeNames(map) {
    const { clientWidth, clientHeight } = map.getContainer();
    const frame = { left: 2, top: 2, right: clientWidth - 2, bottom: clientHeight - 2 };
    const controls = { left: clientWidth - 44, top: 0, right: clientWidth, bottom: 78 };
    const labels = byImportance.map((idx) => ({ idx, ...map.project([cities[idx].lon, cities[idx].lat]) }))
      .filter(({ x, y }) => x >= 0 && y >= 0 && x <= clientWidth && y <= clientHeight)
      .map(({ idx, x, y }, rank) => {
        const must = rank < ALWAYS_NAMED;
        const range = isShown("ranges") ? `${format(rangeOf(cities[idx]))} km` : "";
        const id = [must && clientWidth > 600 ? "large" : "small", cityName(cities[idx]), range].join("|");
        const { width, height } = labelImage(id);
        return { idx, x, y, id, must, width: width / LABEL_PIXEL_RATIO - 3, height: height / LABEL_PIXEL_RATIO - 4 };
      });
    const places = mapLabels.place(labels, { frame, taken: [controls], gap: isShown("ranges") ? 12 : 4 });
    const names = [], leaders = [];
    for (const [rank, { idx, id, must }] of labels.entries()) {
      if (!places[rank]) continue;
      const [at, end] = [places[rank].at, places[rank].end].map((on) => on && map.unproject([on.x, on.y]));
      const { lon, lat } = cities[idx];
      names.push(point(at.lng, at.lat, { city: idx, label: id, order: must ? -rank : -labels.length }));
      if (!end) continue;
      const line = { type: "LineString", coordinates: [[lon, lat], [end.lng, end.lat]] };
      leaders.push(point(lon, lat, {}), { type: "Feature", geometry: line, properties: {} });
    }
    map.getSource("names").setData(collection(names));
    map.getSource("leaders").setData(collection(leaders));
  }

  function graticule(map) {
    const bounds = map.getBounds();
    const span = bounds.getEast() - bounds.getWest();
    const most = Math.min(9, map.getContainer().clientWidth / 70); // as many as names leave room for
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 45].find((size) => span / size <= most) || 45;
    const digits = step < 1 ? 1 : 0;
    const name = (degrees, [plus, minus]) =>
      `${Math.abs(degrees).toFixed(digits)}° ${Math.abs(degrees) === 180 ? "" : degrees < 0 ? minus : plus}`.trim();
    const nameLon = (lon) => name(plainLon(lon), ["E", "W"]);
    const from = (low) => Math.ceil(low / step) * step;
    const features = [];
    const south = bounds.getSouth(), north = bounds.getNorth(), west = bounds.getWest();
    const corner = map.unproject([6, 5]);
    const line = (coordinates) =>
      features.push({ type: "Feature", geometry: { type: "LineString", coordinates }, properties: {} });
    for (let lon = from(west); lon <= bounds.getEast(); lon += step) {
      line([[lon, Math.max(south, -85)], [lon, Math.min(north, 85)]]);
      features.push(point(lon, corner.lat, { label: `grid|${nameLon(lon)}`, anchor: "top" }));
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
    // Where shores are some pixels off: as coarse as they are here, and at the source.
    const fading = Math.log2(4 * 360 / 512 / Math.max(2 / data.water.steps_per_degree, 0.01));
    // Thousands of stations of a country would hide the zones that they serve.
    const crowded = Math.min(1, Math.max(0.35, Math.sqrt(500 / Math.max(1, stations.id.length))));
    const map = new maplibregl.Map({
      container: "map",
      style: {
        version: 8,
        sources: {
          water: source(waterFeatures()), cells: source(), grid: source(), stations: source(stationFeatures()),
          cities: source(cityFeatures()), names: source(), leaders: source(), chosen: source(),
          roads: source(corridors ? roadFeatures() : []), corridors: source(corridors ? corridorFeatures() : []),
        },
        layers: [
          { id: "background", type: "background", paint: { "background-color": data.land_colour } },
          // Shores are drawn for overviews; on a city's streets they would stand beside the truth.
          { id: "water", type: "fill", source: "water",
            paint: { "fill-color": data.water_colour, "fill-opacity": byZoom(fading, 1, fading + 2, 0) } },
          { id: "grid", type: "line", source: "grid", filter: ["==", ["geometry-type"], "LineString"],
            paint: { "line-color": "#d9dfe4", "line-width": 1 } },
          { id: "zones", type: "fill", source: "cells", filter: ["!", ["has", "colour"]],
            paint: { "fill-color": data.zone_colour, "fill-antialias": false } },
          { id: "cells", type: "fill", source: "cells", filter: ["has", "colour"],
            paint: { "fill-color": ["get", "colour"] } },
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
          { id: "shares", type: "circle", source: "cities", layout: { visibility: "none" },
            paint: {
              "circle-color": ["get", "then_colour"],
              "circle-radius": byZoom(3, ["*", 9, ["get", "then_size"]], 9, ["*", 34, ["get", "then_size"]]),
              "circle-stroke-color": data.soft_ink, "circle-stroke-width": 0.6,
            } },
          { id: "stations", type: "circle", source: "stations", layout: { "circle-sort-key": ["get", "order"] },
            paint: {
              "circle-color": ["get", "colour"],
              "circle-radius": byZoom(3, sized(1.5 * crowded), 6, sized(2.5 * crowded), 9, sized(4.5), 12, sized(8)),
              "circle-stroke-color": ["get", "stroke"],
              "circle-stroke-width": byZoom(4, 0.25 * crowded, 7, 0.7, 10, 1.4),
            } },
          { id: "verdicts", type: "symbol", source: "stations",
            layout: {
              visibility: "none", "symbol-sort-key": ["get", "order"],
              "icon-image": ["get", "icon"], "icon-allow-overlap": true, "icon-ignore-placement": true,
              "icon-size": byZoom(3, sized(0.3), 6, sized(0.45), 9, sized(0.7), 12, sized(1)),
            } },
          { id: "corridors", type: "symbol", source: "corridors",
            layout: {
              "symbol-sort-key": ["get", "order"], "icon-image": ["get", "icon"], "icon-allow-overlap": true, "icon-ignore-placement": true,
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
          { id: "chosen", type: "circle", source: "chosen",
            paint: {
              "circle-opacity": 0, "circle-radius": byZoom(4, 7, 12, 14),
              "circle-stroke-color": data.ink, "circle-stroke-width": 2.5,
            } },
          { id: "leaders", type: "line", source: "leaders",
            paint: { "line-color": data.ink, "line-width": 0.8 } },
          { id: "leaders-from", type: "circle", source: "leaders", filter: ["==", ["geometry-type"], "Point"],
            paint: { "circle-color": data.ink, "circle-radius": 2 } },
          { id: "names", type: "symbol", source: "names",
            layout: {
              "icon-image": ["get", "label"],
              "icon-allow-overlap": true, "icon-ignore-placement": true, "symbol-sort-key": ["get", "order"],
            } },
        ],
      },
      bounds: everything(),
      fitBoundsOptions: FIT,
      maxZoom: 14,
      renderWorldCopies: data.spans_180,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: 0,
      canvasContextAttributes: { preserveDrawingBuffer: true, antialias: true }, // or paper stays blank
      locale: { "Map.Title": say("Map of stations and zones; arrow keys move it, plus and minus zoom") },
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new maplibregl.ScaleControl({ maxWidth: 140 }), "bottom-left");
    map.on("styleimagemissing", ({ id }) => {
      if (!map.hasImage(id)) map.addImage(id, labelImage(id), { pixelRatio: LABEL_PIXEL_RATIO });
    });

    let drawnCells = "";
    function showView() {
      map.getSource("grid").setData(graticule(map));
      placeNames(map);
      if (!levels.length || !isShown("cells")) return;
      const level = levelFor(map.getZoom());
      const view = map.getBounds();
      const seen = levels[level].tiles.map(({ box }, idx) => [box, idx])
        .filter(([[west, south, east, north]]) => level === 0 ||
          (south <= view.getNorth() && north >= view.getSouth() &&
            [-360, 0, 360].some((round) => west + round <= view.getEast() && east + round >= view.getWest())))
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

    const SWITCHED_WITH = { zones: "cells", leaders: "names", "leaders-from": "names" };
    function refresh() {
      document.documentElement.dataset.map = "drawing";
      for (const layer of ["zones", "cells", "stations", "ranges", "names", "leaders", "leaders-from", ...(corridors ? ["roads", "corridors"] : [])]) {
        map.setLayoutProperty(layer, "visibility", isShown(SWITCHED_WITH[layer] || layer) ? "visible" : "none");
      }
      // Stations by verdict are another layer of the same points: their shapes tell it too.
      const byVerdict = state.look === "verdict";
      map.setLayoutProperty("verdicts", "visibility", isShown("stations") && byVerdict ? "visible" : "none");
      if (byVerdict) map.setLayoutProperty("stations", "visibility", "none");
      if (corridors) map.setLayoutProperty("ferries", "visibility", isShown("roads") ? "visible" : "none");
      map.getSource("cities").setData(collection(cityFeatures()));
      // Zones are known as the whole plan serves them; before it stands, cities tell.
      map.setLayoutProperty("shares", "visibility", isShown("cells") && !isLastPeriod() ? "visible" : "none");
      if (!isLastPeriod()) for (const layer of ["zones", "cells"]) map.setLayoutProperty(layer, "visibility", "none");
      if (waits || phases || costs) {
        map.getSource("stations").setData(collection(stationFeatures()));
        if (corridors) map.getSource("corridors").setData(collection(corridorFeatures()));
      }
      showView();
      map.triggerRepaint();
    }

    const tip = byId("map-tip");
    const waitLine = (of, idx) => {
      const look = verdictOf(of, idx);
      return look ? `\n${say("{} served within 5 min: {}", percent(of.within[idx]), look.label)}` : "";
    };
    const PICKED = ["ranges", "corridors", "stations", "verdicts", "names", "roads", "ferries", "zones"];
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
        tip.textContent = `${say("Station {}", stations.id[station])}\n${say("{} swaps per day", format(swapsOf(station), 1))}, ` +
          say("{} bays", stations.types[typeOf(station)].bays) + (phases ? `\n${opensText(station)}` : "") +
          waitLine(stations, station);
      } else if (city !== undefined) {
        const range = rangeOf(cities[city]);
        tip.textContent = `${cities[city].name} ${cities[city].name_zh}\n${say("{} stations", format(cities[city].stations))}, ` +
          say("{} of swaps served", percent(cities[city].served)) + (range === null ? ""
            : `\n${say("{} km with {}", format(range), data.packs[state.pack])}: ${seasonTitle()}`);
      } else if (corridor !== undefined) {
        const [winter, summer] = ["winter", "summer"].map((season) =>
          format(corridors.stations[`${season}_swaps`][corridor], 1));
        tip.textContent = [say("Corridor station {}", corridors.stations.id[corridor]),
          say("{} swaps per day in winter", winter), say("{} swaps per day in summer", summer)].join("\n") +
          waitLine(corridors.stations, corridor);
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
      else if (road !== undefined) showDetails({ title: roadTitle(road), rows: roadRows(road) });
      else if (city !== undefined) showCity(cities[city]);
      else showDetails({ title: say("Cell of zones"), rows: cellRows(found.properties) });
    });

    byId("details").addEventListener("place", ({ detail }) =>
      map.getSource("chosen").setData(collection(detail ? [point(...detail, {})] : [])));

    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    return {
      refresh,
      goTo: (bounds) => map.fitBounds(bounds, { ...FIT, animate: !still, duration: 900 }),
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
  for (const input of document.querySelectorAll("input[name=look]")) {
    input.addEventListener("change", () => { state.look = input.value; change(); });
  }
  if (phases) {
    const slider = byId("period");
    const show = () => {
      state.period = Number(slider.value);
      byId("period-name").textContent = phases.names[state.period];
      change();
    };
    Object.assign(slider, { max: phases.names.length - 1, value: state.period });
    slider.addEventListener("input", show);
    byId("period-name").textContent = phases.names[state.period];
  }
  byId("seasons").addEventListener("change", (event) => { state.season = event.target.value; showRanges(); });
  byId("pack").addEventListener("change", (event) => { state.pack = Number(event.target.value); showRanges(); });
  const goToCity = (idx, from) => {
    showCity(cities[idx], from);
    if (hasWebGl) map.goTo(boundsOf([[cities[idx].lon, cities[idx].lat], ...stationPoints((city) => city === idx)]));
  };
  const goToPoint = (show, { lon, lat }, idx, from) => {
    show(idx, from);
    if (hasWebGl) map.goTo(boundsOf([[lon[idx], lat[idx]]]));
  };
  byId("find").addEventListener("change", (event) => {
    if (event.target.value !== "") goToCity(Number(event.target.value));
  });
  byId("whole").addEventListener("click", () => hasWebGl && map.goTo(everything()));

  const positions = (ids) => new Map(ids.map((id, idx) => [id, idx]));
  const places = [
    [positions(stations.id), (idx, from) => goToPoint(showStation, stations, idx, from)],
    [positions(corridors?.stations.id ?? []), (idx, from) => goToPoint(showCorridorStation, corridors.stations, idx, from)],
    [positions(cities.map(({ id }) => id)), goToCity],
  ];
  return {
    // What leads to the place that has an id, if the map has one: who chose it is who to return to.
    leadTo(id) {
      const [ids, go] = places.find(([known]) => known.has(id)) ?? [];
      return ids && ((from) => {
        byId("map-section").scrollIntoView();
        go(ids.get(id), from);
      });
    },
  };
})();
