// How an image is cut so that every piece fits in memory and the result is that of the whole image.
//
// A span is [first, last) of rows or columns. The network is a list of parts, run one after the other; an
// output pixel of a part depends on `reach` pixels of its input to each side. Beyond the image lie zeros, as
// the convolutions pad; inside, each part sees as wide a margin as the parts after it still need.

const srganTiles = (() => {
  const SMALLER = [256, 192, 128, 96, 64];

  const grow = ([first, last], margin, side) => [Math.max(0, first - margin), Math.min(side, last + margin)];

  // A span in as few pieces as possible of at most `longest`, of about equal lengths.
  function cut([first, last], longest) {
    const pieces = Math.ceil((last - first) / longest);
    const edge = (piece) => first + Math.floor(((last - first) * piece) / pieces);
    return Array.from({ length: pieces }, (_, piece) => [edge(piece), edge(piece + 1)]);
  }

  function rectangles({ rows, columns }, longest) {
    const across = cut(columns, longest);
    return cut(rows, longest).flatMap((down) => across.map((span) => ({ rows: down, columns: span })));
  }

  const around = ({ rows, columns }, margin, image) => ({
    rows: grow(rows, margin, image.height),
    columns: grow(columns, margin, image.width),
  });

  const area = ({ rows, columns }) => (rows[1] - rows[0]) * (columns[1] - columns[0]);

  // All runs of parts for a tile, in order: {part, input, output, work} with rectangles in LR pixels and work in
  // multiplications. The last part has the largest maps and a small reach: it goes through the tile in cells.
  function runsFor(tile, image, parts, longest) {
    const last = parts.length - 1;
    const run = (part, output) => {
      const input = around(output, parts[part].reach, image);
      return { part, input, output, work: parts[part].work * area(input) };
    };
    const runs = rectangles(tile, longest).map((cell) => run(last, cell));
    let output = around(tile, parts[last].reach, image);
    for (let part = last - 1; part >= 0; part--) {
      runs.unshift(run(part, output));
      output = runs[0].input;
    }
    return runs;
  }

  const sum = (things) => things.reduce((total, { work }) => total + work, 0);

  // The image's tiles, {rectangle, runs, work}, shared out: the heaviest first, each to whom has least to do.
  function share(image, parts, { tile, cell }, workers) {
    const whole = { rows: [0, image.height], columns: [0, image.width] };
    const tiles = rectangles(whole, tile).map((rectangle) => {
      const runs = runsFor(rectangle, image, parts, cell);
      return { rectangle, runs, work: sum(runs) };
    });
    const shares = Array.from({ length: workers }, () => ({ tiles: [], work: 0 }));
    for (const next of tiles.sort((one, other) => other.work - one.work)) {
      const idlest = shares.reduce((least, each) => (each.work < least.work ? each : least));
      idlest.tiles.push(next);
      idlest.work += next.work;
    }
    const busy = shares.filter(({ work }) => work);
    return { shares: busy, total: sum(busy), longest: Math.max(...busy.map(({ work }) => work)) };
  }

  // The shares of several workers, with the tiles with which all are done first: small ones can be shared out
  // evenly, but their margins are worked on more than once.
  function schedule(image, parts, settings, workers) {
    const smaller = workers > 1 ? SMALLER.filter((tile) => tile < settings.tile) : [];
    return [settings.tile, ...smaller]
      .map((tile) => share(image, parts, { ...settings, tile }, workers))
      .reduce((best, each) => (each.longest < best.longest ? each : best));
  }

  return { schedule };
})();
