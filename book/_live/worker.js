// What runs in the Web Worker, after ONNX Runtime (`ort`), tiles.js and bicubic.js: the network, on pixels.
//
// Messages in: {id, task, ...}; out: {id, done: result}, {id, failed: text} or, in between, {id, progress: {done, next}}:
// the work done so far and the work of the run that comes next.

(() => {
  const COLOURS = 3;
  let settings = null; // {tile, cell} in LR pixels
  let options = null; // of every session
  const models = new Map(); // name -> [{reach, work, session}]

  // ------------------------------------------------------------------------------------------- the start

  async function bytesOf(packed) {
    const text = atob(packed);
    const bytes = new Uint8Array(text.length);
    for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  async function start({ runtime, backend, threads, optimisation, sizes }) {
    const script = new Blob([await bytesOf(runtime.module)], { type: "text/javascript" });
    ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(script) };
    ort.env.wasm.wasmBinary = await bytesOf(runtime.binary);
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = "error";
    options = { executionProviders: [backend], graphOptimizationLevel: optimisation };
    settings = sizes;
  }

  async function load({ model, parts }) {
    const loaded = [];
    for (const { packed, ...part } of parts) {
      loaded.push({ ...part, session: await ort.InferenceSession.create(await bytesOf(packed), options) });
    }
    models.set(model, loaded);
  }

  // ------------------------------------------------------------------------------- maps, (channels, h, w)

  const sides = ({ rows, columns }) => [rows[1] - rows[0], columns[1] - columns[0]];

  // The part of a map that lies in a rectangle; `map` is {values, channels, rectangle}.
  function crop(map, rectangle) {
    const [height, width] = sides(rectangle);
    const [mapHeight, mapWidth] = sides(map.rectangle);
    if (height === mapHeight && width === mapWidth) return map.values;
    const top = rectangle.rows[0] - map.rectangle.rows[0];
    const left = rectangle.columns[0] - map.rectangle.columns[0];
    const values = new Float32Array(map.channels * height * width);
    for (let channel = 0; channel < map.channels; channel++) {
      for (let row = 0; row < height; row++) {
        const start = (channel * mapHeight + top + row) * mapWidth + left;
        values.set(map.values.subarray(start, start + width), (channel * height + row) * width);
      }
    }
    return values;
  }

  async function runPart(session, maps, rectangle) {
    const feeds = {};
    for (const name of session.inputNames) {
      const values = crop(maps[name], rectangle);
      feeds[name] = new ort.Tensor("float32", values, [1, maps[name].channels, ...sides(rectangle)]);
    }
    const results = await session.run(feeds);
    for (const name of session.outputNames) {
      const tensor = results[name];
      maps[name] = { values: await tensor.getData(), channels: tensor.dims[1], rectangle };
      tensor.dispose();
    }
  }

  // Let go of the maps that no later part of this tile reads: each is up to 55 MB.
  function forget(maps, parts, part) {
    const later = parts.slice(Math.min(part + 1, parts.length - 1));
    const needed = new Set(later.flatMap(({ session }) => session.inputNames).concat("lr"));
    for (const name of Object.keys(maps)) if (!needed.has(name)) delete maps[name];
  }

  // ------------------------------------------------------------------------------------------ the image

  function isGrey(data) {
    for (let place = 0; place < data.length; place += 4) {
      if (data[place] !== data[place + 1] || data[place] !== data[place + 2]) return false;
    }
    return true;
  }

  // RGBA levels to what the network reads: (3, h, w) in [0, 1].
  function unit({ width, height, data }) {
    const area = width * height;
    const values = new Float32Array(COLOURS * area);
    for (let place = 0; place < area; place++) {
      for (let colour = 0; colour < COLOURS; colour++) {
        values[colour * area + place] = data[4 * place + colour] / 255;
      }
    }
    const rectangle = { rows: [0, height], columns: [0, width] };
    return { values, channels: COLOURS, rectangle };
  }

  const toUnit = (value) => (Math.min(1, Math.max(-1, value)) + 1) / 2;

  // Write what the network gave for `run.input`, (3, 4h, 4w) in [-1, 1], into the result, as far as `run.output`
  // goes. The result's array rounds.
  function draw(values, run, result, grey) {
    const scale = srganBicubic.SCALE;
    const [height, width] = sides(run.input).map((side) => scale * side);
    const area = height * width;
    const top = scale * (run.output.rows[0] - run.input.rows[0]);
    const left = scale * (run.output.columns[0] - run.input.columns[0]);
    const [rows, columns] = sides(run.output).map((side) => scale * side);
    for (let row = 0; row < rows; row++) {
      let source = (top + row) * width + left;
      let target = 4 * ((scale * run.output.rows[0] + row) * result.width + scale * run.output.columns[0]);
      for (let column = 0; column < columns; column++, source++, target += 4) {
        const red = toUnit(values[source]);
        const green = toUnit(values[source + area]);
        const blue = toUnit(values[source + 2 * area]);
        const mean = (red + green + blue) / COLOURS;
        result.data[target] = 255 * (grey ? mean : red);
        result.data[target + 1] = 255 * (grey ? mean : green);
        result.data[target + 2] = 255 * (grey ? mean : blue);
      }
    }
  }

  function drawAlpha({ width, height, data }, result) {
    const alpha = data.filter((_, index) => index % 4 === 3);
    const large = alpha.every((level) => level === 255) ? null : srganBicubic.plane(alpha, width, height);
    for (let place = 3; place < result.data.length; place += 4) {
      result.data[place] = large ? large[(place - 3) / 4] : 255;
    }
  }

  async function upscale({ image, model }, report) {
    const parts = models.get(model);
    const scale = srganBicubic.SCALE;
    const [width, height] = [scale * image.width, scale * image.height];
    const result = { width, height, data: new Uint8ClampedArray(4 * width * height) };
    const grey = isGrey(image.data);
    const maps = { lr: unit(image) };
    let done = 0;
    for (const run of srganTiles.plan(image, parts, settings)) {
      const next = srganTiles.workOf(run, parts);
      report({ done, next });
      await runPart(parts[run.part].session, maps, run.input);
      if (run.part === parts.length - 1) draw(maps.sr.values, run, result, grey);
      forget(maps, parts, run.part);
      done += next;
    }
    drawAlpha(image, result);
    return result;
  }

  // ---------------------------------------------------------------------------------------- the messages

  const tasks = { start, load, upscale, bicubic: ({ image }) => srganBicubic.image(image) };

  self.onmessage = async ({ data: { id, task, ...rest } }) => {
    try {
      const done = await tasks[task](rest, (progress) => self.postMessage({ id, progress }));
      self.postMessage({ id, done }, done ? [done.data.buffer] : []);
    } catch (error) {
      self.postMessage({ id, failed: String((error && error.message) || error) });
    }
  };
})();
