// How an image is cut so that every piece fits in memory and the result is that of the whole image.
//
// A span is [first, last) of rows or columns. The network is a list of parts, run one after the other; an
// output pixel of a part depends on `reach` pixels of its input to each side. Beyond the image lie zeros, as
// the convolutions pad; inside, each part sees as wide a margin as the parts after it still need.

const srganTiles = (() => {
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

  // All runs of parts for an image, in order: {part, input, output} with rectangles in LR pixels. The last part
  // has the largest maps and a small reach: it works through each tile in cells.
  function plan(image, parts, settings) {
    const whole = { rows: [0, image.height], columns: [0, image.width] };
    return rectangles(whole, settings.tile).flatMap((tile) => planTile(tile, image, parts, settings));
  }

  function planTile(tile, image, parts, settings) {
    const last = parts.length - 1;
    const runs = rectangles(tile, settings.cell).map((output) => ({
      part: last,
      input: around(output, parts[last].reach, image),
      output,
    }));
    let output = around(tile, parts[last].reach, image);
    for (let part = last - 1; part >= 0; part--) {
      const input = around(output, parts[part].reach, image);
      runs.unshift({ part, input, output });
      output = input;
    }
    return runs;
  }

  // Multiplications of one run, and of an image.
  const workOf = (run, parts) => parts[run.part].work * area(run.input);
  const work = (image, parts, settings) =>
    plan(image, parts, settings).reduce((sum, run) => sum + workOf(run, parts), 0);

  return { plan, work, workOf };
})();
