// What runs in a Web Worker, after ONNX Runtime (`ort`) and bicubic.js: the network, on pixels.
//
// Messages in: {id, task, ...}; out: {id, done: result}, {id, failed: text} or, in between,
// {id, progress: {done, next}}: the work done so far and the work of the run that comes next.

(() => {
  const COLOURS = 3;
  let options = null; // of every session
  const models = new Map(); // name -> the sessions of its parts

  // ------------------------------------------------------------------------------------------- the start

  async function bytesOf(packed) {
    const text = atob(packed);
    const bytes = new Uint8Array(text.length);
    for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  async function start({ runtime, backend, threads, optimisation }) {
    const script = new Blob([await bytesOf(runtime.module)], { type: "text/javascript" });
    ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(script) };
    ort.env.wasm.wasmBinary = await bytesOf(runtime.binary);
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = "error";
    options = { executionProviders: [backend], graphOptimizationLevel: optimisation };
  }

  async function load({ model, parts }) {
    const sessions = [];
    for (const part of parts) sessions.push(await ort.InferenceSession.create(await bytesOf(part), options));
    models.set(model, sessions);
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
  function forget(maps, sessions, part) {
    const later = sessions.slice(Math.min(part + 1, sessions.length - 1));
    const needed = new Set(later.flatMap(({ inputNames }) => inputNames).concat("lr"));
    for (const name of Object.keys(maps)) if (!needed.has(name)) delete maps[name];
  }

  // ------------------------------------------------------------------------------------------ the image

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

  // Write what the network gave for `run.input`, (3, scale * h, scale * w) in [-1, 1], into the result of the tile,
  // as far as `run.output` goes. The result's array rounds.
  function draw(values, run, tile, result, { scale, grey }) {
    const [height, width] = sides(run.input).map((side) => scale * side);
    const area = height * width;
    const top = scale * (run.output.rows[0] - run.input.rows[0]);
    const left = scale * (run.output.columns[0] - run.input.columns[0]);
    const down = scale * (run.output.rows[0] - tile.rows[0]);
    const across = scale * (run.output.columns[0] - tile.columns[0]);
    const [rows, columns] = sides(run.output).map((side) => scale * side);
    for (let row = 0; row < rows; row++) {
      let source = (top + row) * width + left;
      let target = 4 * ((down + row) * result.width + across);
      for (let column = 0; column < columns; column++, source++, target += 4) {
        const red = toUnit(values[source]);
        const green = toUnit(values[source + area]);
        const blue = toUnit(values[source + 2 * area]);
        const mean = (red + green + blue) / COLOURS;
        result.data[target] = 255 * (grey ? mean : red);
        result.data[target + 1] = 255 * (grey ? mean : green);
        result.data[target + 2] = 255 * (grey ? mean : blue);
        result.data[target + 3] = 255;
      }
    }
  }

  // The tiles of an image: [{rectangle in LR pixels, width, height, data}].
  async function upscale({ image, model, tiles, scale, grey }, report) {
    const sessions = models.get(model);
    const maps = { lr: unit(image) };
    const results = [];
    let done = 0;
    for (const { rectangle, runs } of tiles) {
      const [height, width] = sides(rectangle).map((side) => scale * side);
      const result = { rectangle, width, height, data: new Uint8ClampedArray(4 * width * height) };
      for (const run of runs) {
        report({ done, next: run.work });
        await runPart(sessions[run.part], maps, run.input);
        if (run.part === sessions.length - 1) draw(maps.sr.values, run, rectangle, result, { scale, grey });
        forget(maps, sessions, run.part);
        done += run.work;
      }
      results.push(result);
    }
    report({ done, next: 0 });
    return results;
  }

  // One channel of an image, enlarged: levels, (scale * h, scale * w).
  function channel({ image, place, scale }) {
    const levels = image.data.filter((_, index) => index % 4 === place);
    return [{ data: srganBicubic.plane(levels, image.width, image.height, scale) }];
  }

  // ---------------------------------------------------------------------------------------- the messages

  const bicubic = ({ image, scale }) => [srganBicubic.image(image, scale)];
  const tasks = { start, load, upscale, channel, bicubic };

  self.onmessage = async ({ data: { id, task, ...rest } }) => {
    try {
      const done = await tasks[task](rest, (progress) => self.postMessage({ id, progress }));
      self.postMessage({ id, done }, (done || []).map(({ data }) => data.buffer));
    } catch (error) {
      self.postMessage({ id, failed: String((error && error.message) || error) });
    }
  };
})();
