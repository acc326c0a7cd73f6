// Where names stand on the map: the most important first, in another's way never, with a line to
// what they name where there is no room beside it.
"use strict";
// biome-ignore lint/correctness/noUnusedVariables: map.js, behind it on the page, draws with it
const mapLabels = (() => {
  const NEAR = [[0, -1], [0, 1], [1, 0], [-1, 0], [0.7, -1], [-0.7, -1], [0.7, 1], [-0.7, 1]];
  const RINGS = 12, DIRECTIONS = 24;
  const FAR = Array.from({ length: RINGS * DIRECTIONS }, (_place, idx) => {
    const angle = 2 * Math.PI * (idx % DIRECTIONS) / DIRECTIONS;
    return [Math.sin(angle), -Math.cos(angle), 1 + Math.floor(idx / DIRECTIONS)];
  });

  const overlap = (a, b) =>
    Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) *
    Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  const holds = (box, { x, y }) => x > box.left && x < box.right && y > box.top && y < box.bottom;
  const side = (a, b, c) => Math.sign((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x));
  const cross = ([a, b], [c, d]) => side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
  const cuts = (line, { left, right, top, bottom }) =>
    cross(line, [{ x: left, y: top }, { x: right, y: bottom }]) || cross(line, [{ x: left, y: bottom }, { x: right, y: top }]);
  const boxAt = ({ x, y }, { width, height }) =>
    ({ left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 });
  const within = (box, frame) =>
    box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
  const nearestOf = (box, { x, y }) =>
    ({ x: Math.min(box.right, Math.max(box.left, x)), y: Math.min(box.bottom, Math.max(box.top, y)) });

  // Labels in the order of importance: x, y of what they name, width, height, whether they must
  // show. Returns per label null, or where its middle stands and where its line ends, if it has one.
  function place(labels, { frame, taken, gap }) {
    const boxes = [...taken], lines = [];
    const marks = labels.filter(({ must }) => must);
    return labels.map((label) => {
      const { x, y, width, height, must } = label;
      const tries = NEAR.map(([right, down]) => ({ dx: right * (gap + width / 2), dy: down * (gap + height / 2), far: 0 }));
      if (must) {
        tries.push(...FAR.map(([right, down, ring]) =>
          ({ dx: right * (gap + width / 2 + ring * height), dy: down * (gap + (0.5 + ring) * height), far: ring })));
      }
      let best = null;
      for (const [rank, { dx, dy, far }] of tries.entries()) {
        const at = { x: x + dx, y: y + dy };
        const box = boxAt(at, label);
        if (!within(box, frame)) continue;
        let cost = far ? 2 + far : rank / NEAR.length;
        if (best && cost >= best.cost) continue;
        const line = far ? [{ x, y }, nearestOf(box, label)] : null;
        for (const other of boxes) {
          const shared = overlap(box, other);
          if (shared) cost += 1000 + shared;
          else if (line && cuts(line, other)) cost += 40;
        }
        for (const other of lines) cost += cuts(other, box) ? 40 : line && cross(line, other) ? 20 : 0;
        for (const other of marks) if (other !== label && holds(box, other)) cost += 12;
        if (!best || cost < best.cost) best = { at, cost, box, line };
      }
      if (!best || (!must && best.cost > 1)) return null;
      boxes.push(best.box);
      if (best.line) lines.push(best.line);
      return { at: best.at, end: best.line?.[1] ?? null };
    });
  }
  return { place };
})();
