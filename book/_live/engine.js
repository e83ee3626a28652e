// The generator in the page: window.srganLive, on which page.js builds what readers see.
//
// All work is done in Web Workers. The build (book/_extensions/live_model.py) writes ONNX Runtime and the models
// as scripts that are loaded on demand, and catalogue.js, which defines `srganLiveBuild`: {missing, models, parts}.
//
//   srganLive.missing            null, or a sentence that says what is not there
//   srganLive.models             [{name, label, t, scale, bytes}]; of each scale from SRResNet, t = 0, to SRGAN, t = 1
//   srganLive.limit(scale)       {pixels, side}: the most that an image may have
//   engine = srganLive.create()
//   await engine.start()         {backend: "wasm" or "webgpu", threads, workers}; after that, engine.estimate works
//   engine.estimate(w, h, scale) seconds for one model
//   await engine.upscale(image, {model, onProgress, signal})   onProgress({done, total, secondsLeft})
//   await engine.bicubic(image, scale)
//
// An image is {width, height, data}: RGBA levels in a Uint8ClampedArray, not multiplied by alpha. As in srgan_lib's
// `upscale`, a grey image gets the average of the three channels, alpha is bicubic, and colours under alpha 0 are
// replaced by the nearest visible ones before the network sees them.

(() => {
  const LARGEST = { pixels: 16_000_000, side: 16384 }; // of a result: about what a canvas may have on an iPhone
  const PATIENCE = 250; // milliseconds from one report of progress to the next
  const MOST_THREADS = 8;
  const MOST_WORKERS = 4; // where threads are refused; each takes about 100 MB and the maps of its tile
  const SMALL_MEMORY = 4; // GB; then two workers at most
  // Sides in LR pixels: of the largest tiles and cells (srgan_lib/records/browser.json holds what others cost), and
  // of the image that the speed is first measured with: a graphics processor wants more to do.
  const SIZES = {
    wasm: { tile: 384, cell: 128, calibration: 32 },
    webgpu: { tile: 384, cell: 128, calibration: 128 },
  };
  // (module (func (result v128) i32.const 0 i8x16.splat))
  const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];

  const nothing = { missing: "The live model is missing: its files were not built.", models: [], parts: {} };
  const build = window.srganLiveBuild || nothing;

  const scaleOf = (name) => (build.models.find((model) => model.name === name) || build.models[0]).scale;

  const limit = (scale) => ({ pixels: LARGEST.pixels / scale ** 2, side: LARGEST.side / scale });

  // ---------------------------------------------------------------------------------- what may be missing

  function lackOfBrowser() {
    if (!window.Worker) return "Web Workers";
    if (!window.WebAssembly) return "WebAssembly";
    if (!WebAssembly.validate(new Uint8Array(SIMD))) return "WebAssembly SIMD";
    return window.DecompressionStream ? null : "decompression of streams";
  }

  function whatIsMissing() {
    if (build.missing) return build.missing;
    const lack = lackOfBrowser();
    const newer = "Chrome 91, Firefox 113 or Safari 16.4, or newer ones, have it";
    return lack && `This browser has no ${lack}, which the model needs; ${newer}.`;
  }

  // -------------------------------------------------------------------------------------------- the workers

  const aborted = () => new DOMException("The upscaling was cancelled.", "AbortError");

  async function hasGraphicsProcessor() {
    const adapter = navigator.gpu && (await navigator.gpu.requestAdapter().catch(() => null));
    if (!adapter) return false;
    const info = adapter.info || {};
    return !(adapter.isFallbackAdapter || info.isFallbackAdapter); // imitated by the processor: slower than WASM
  }

  // How many threads of one worker or, as most servers do not allow those, how many workers. Of many logical
  // processors half: two of them share a core.
  function hands(backend, wishes) {
    const logical = navigator.hardwareConcurrency || 1;
    const cores = Math.max(Math.min(2, logical), Math.floor(logical / 2));
    if (window.crossOriginIsolated) return { threads: wishes.threads || Math.min(MOST_THREADS, cores), workers: 1 };
    const most = navigator.deviceMemory <= SMALL_MEMORY ? 2 : MOST_WORKERS;
    return { threads: 1, workers: wishes.workers || (backend === "wasm" ? Math.min(most, cores) : 1) };
  }

  // Workers that hold the runtime and the same models.
  class Crew {
    constructor(settings) {
      this.settings = settings; // {backend, threads, workers, optimisation}
      this.loaded = new Map();
      this.started = this.start();
    }

    async start() {
      const { backend, threads, workers, optimisation } = this.settings;
      const [script, module, binary, own] = await Promise.all([
        srganRemote.text(`${backend}-script`),
        srganRemote.file(`${backend}-module`),
        srganRemote.file(`${backend}-binary`),
        srganRemote.text("worker"),
      ]);
      if (this.stopped) throw this.stopped;
      const source = [script, own].join("\n");
      this.members = Array.from({ length: workers }, () => new srganRemote.Remote(source));
      const details = { runtime: { module, binary }, backend, threads, optimisation };
      await Promise.all(this.members.map((member) => member.ask("start", details)));
    }

    async load(model) {
      await this.started;
      if (!this.loaded.has(model)) {
        const parts = JSON.parse(await srganRemote.file(`model-${model}`));
        const all = this.members.map((member) => member.ask("load", { model, parts }));
        this.loaded.set(model, Promise.all(all));
      }
      await this.loaded.get(model);
    }

    // All tiles of all shares; `onProgress(worker, {done, next})`.
    async upscale(shares, details, onProgress) {
      const jobs = shares.map(({ tiles }, worker) =>
        this.members[worker].ask("upscale", { ...details, tiles }, (progress) => onProgress(worker, progress)),
      );
      return (await Promise.all(jobs)).flat();
    }

    stop(reason) {
      this.stopped = reason;
      this.started.catch(() => {});
      for (const member of this.members || []) member.stop(reason);
    }
  }

  // --------------------------------------------------------------------------------------------- the image

  function isGrey(data) {
    for (let place = 0; place < data.length; place += 4) {
      if (data[place] !== data[place + 1] || data[place] !== data[place + 2]) return false;
    }
    return true;
  }

  const isOpaque = (data) => data.every((level, place) => place % 4 !== 3 || level === 255);

  // The image with each colour under alpha 0 replaced by that of the nearest visible pixel; of several equally near
  // ones by the leftmost, then the uppermost. Programs leave any colour there, mostly black, and the network would
  // draw it as a rim. (Maurer et al., 2003: first along columns, then along rows.)
  function withVisibleColours(image) {
    const { width, height, data } = image;
    const visible = new Uint8Array(width * height);
    for (let pixel = 0; pixel < visible.length; pixel++) visible[pixel] = data[4 * pixel + 3] > 0;
    if (!visible.includes(0) || !visible.includes(1)) return image;
    const rows = nearestRows(visible, width, height);
    const spread = new Uint8ClampedArray(data);
    const [columns, squares] = [new Int32Array(width), new Float64Array(width)];
    for (let y = 0; y < height; y++) {
      const count = nearestColumns(rows.subarray(y * width, (y + 1) * width), y, columns, squares);
      for (let x = 0, candidate = 0; x < width; x++) {
        const away = (number) => squares[number] + (x - columns[number]) ** 2;
        while (candidate + 1 < count && away(candidate + 1) < away(candidate)) candidate++;
        const [to, from] = [y * width + x, rows[y * width + columns[candidate]] * width + columns[candidate]];
        if (!visible[to]) spread.set(data.subarray(4 * from, 4 * from + 3), 4 * to);
      }
    }
    return { width, height, data: spread };
  }

  // For each pixel the row of the nearest visible one in its column; -1 where the column has none.
  function nearestRows(visible, width, height) {
    const rows = new Int32Array(width * height).fill(-1);
    for (let x = 0; x < width; x++) {
      for (let y = 0, above = -1; y < height; y++) {
        if (visible[y * width + x]) above = y;
        rows[y * width + x] = above;
      }
      for (let y = height - 1, below = -1; y >= 0; y--) {
        const place = y * width + x;
        if (visible[place]) below = y;
        if (below >= 0 && (rows[place] < 0 || below - y < y - rows[place])) rows[place] = below;
      }
    }
    return rows;
  }

  // Which columns' pixels are the nearest to some pixel of row `y`: into `columns`, with the squares of their distances
  // from the row. Returns how many.
  function nearestColumns(rows, y, columns, squares) {
    let count = 0;
    for (let x = 0; x < rows.length; x++) {
      if (rows[x] < 0) continue;
      const square = (y - rows[x]) ** 2;
      while (count > 1) {
        const [a, b] = [columns[count - 1] - columns[count - 2], x - columns[count - 1]];
        const hidden = (a + b) * squares[count - 1] - b * squares[count - 2] - a * square - a * b * (a + b);
        if (hidden <= 0) break;
        count--;
      }
      columns[count] = x;
      squares[count] = square;
      count++;
    }
    return count;
  }

  function assembled(image, tiles, scale) {
    const [width, height] = [scale * image.width, scale * image.height];
    const result = { width, height, data: new Uint8ClampedArray(4 * width * height) };
    for (const tile of tiles) {
      for (let row = 0; row < tile.height; row++) {
        const target = (scale * tile.rectangle.rows[0] + row) * width + scale * tile.rectangle.columns[0];
        result.data.set(tile.data.subarray(4 * row * tile.width, 4 * (row + 1) * tile.width), 4 * target);
      }
    }
    return result;
  }

  // -------------------------------------------------------------------------------------------- the engine

  class Engine {
    // `wishes`, for measurements and tests: {backend, threads, workers, sizes, optimisation, model}.
    constructor(wishes = {}) {
      this.wishes = wishes;
      this.secondsPerWork = 0;
      this.queue = Promise.resolve();
      this.crew = null;
      this.pixels = null; // a worker without the network
    }

    // Loads the runtime and the first model and measures the speed: {backend, threads, workers}.
    start() {
      if (!this.started) {
        this.started = this.begin();
        this.started.catch(() => (this.started = null));
      }
      return this.started;
    }

    async begin() {
      if (window.srganLive.missing) throw new Error(window.srganLive.missing);
      const backend = this.wishes.backend || ((await hasGraphicsProcessor()) ? "webgpu" : "wasm");
      try {
        await this.startOn(backend);
      } catch (error) {
        this.stop(error);
        if (backend === "wasm" || this.wishes.backend) throw error;
        await this.startOn("wasm"); // an adapter that cannot run the network
      }
      const { threads, workers } = this.settings;
      return { backend: this.settings.backend, threads, workers };
    }

    async startOn(backend) {
      const optimisation = this.wishes.optimisation || "all";
      this.settings = { backend, optimisation, ...hands(backend, this.wishes) };
      this.sizes = { ...SIZES[backend], ...this.wishes.sizes };
      await this.calibrate();
    }

    // The workers with a model in them; new ones after some were stopped.
    async load(model) {
      this.crew = this.crew || new Crew(this.settings);
      await this.crew.load(model);
      return this.crew;
    }

    async calibrate() {
      const model = this.wishes.model || window.srganLive.models[0].name;
      const [width, height] = [this.sizes.calibration, this.sizes.calibration];
      const image = { width, height, data: new Uint8ClampedArray(4 * width * height) };
      const scale = scaleOf(model);
      const { shares, total } = srganTiles.schedule(image, build.parts[scale], this.sizes, 1);
      const crew = await this.load(model);
      const details = { image, model, scale, grey: false };
      await crew.upscale(shares, details, () => {}); // the first run also sets up memory
      const start = performance.now();
      await crew.upscale(shares, details, () => {});
      this.secondsPerWork = (performance.now() - start) / 1000 / total;
    }

    schedule(image, scale) {
      return srganTiles.schedule(image, build.parts[scale], this.sizes, this.settings.workers);
    }

    // Seconds for an image of that size, from what has been measured so far.
    estimate(width, height, scale) {
      return this.secondsPerWork * this.schedule({ width, height }, scale).longest;
    }

    // Jobs run one after the other. Rejects with an AbortError as soon as `signal` says so.
    upscale(image, { model, onProgress = () => {}, signal } = {}) {
      const job = this.queue.then(() => this.run(image, model, onProgress, signal));
      this.queue = job.catch(() => {});
      if (!signal) return job;
      return new Promise((resolve, reject) => {
        const stop = () => reject(aborted());
        if (signal.aborted) stop();
        signal.addEventListener("abort", stop, { once: true });
        job.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
      });
    }

    async run(image, model, onProgress, signal) {
      if (signal && signal.aborted) throw aborted();
      await this.start();
      const stop = () => this.stop(aborted());
      if (signal) signal.addEventListener("abort", stop, { once: true });
      try {
        const crew = await this.load(model);
        if (signal && signal.aborted) throw aborted();
        const tiles = await this.timed(crew, withVisibleColours(image), model, onProgress);
        const scale = scaleOf(model);
        return await this.withAlpha(image, assembled(image, tiles, scale), scale);
      } catch (error) {
        this.stop(error); // whatever went wrong, the next job gets new workers
        if (error.name === "AbortError" || this.settings.workers === 1) throw error;
      } finally {
        if (signal) signal.removeEventListener("abort", stop);
      }
      this.settings.workers = 1; // perhaps there is too little memory for several
      return this.run(image, model, onProgress, signal);
    }

    // Between two reports of the workers, progress is what the measured speed lets expect.
    async timed(crew, image, model, onProgress) {
      const scale = scaleOf(model);
      const { shares, total, longest } = this.schedule(image, scale);
      const start = performance.now();
      const elapsed = () => (performance.now() - start) / 1000;
      const known = shares.map(() => ({ done: 0, next: 0, at: 0 }));
      const sum = (name) => known.reduce((total, each) => total + each[name], 0);
      let most = 0;
      const report = () => {
        const speed = sum("done") ? sum("done") / sum("at") : 1 / this.secondsPerWork; // of one worker
        const expected = known.map(({ done, next, at }) => done + Math.min(0.95 * next, (elapsed() - at) * speed));
        const left = shares.map(({ work }, worker) => work - expected[worker]);
        most = Math.max(most, total - left.reduce((sum, each) => sum + each));
        onProgress({ done: most, total, secondsLeft: Math.max(...left) / speed });
      };
      const clock = setInterval(report, PATIENCE);
      report();
      try {
        const details = { image, model, scale, grey: isGrey(image.data) };
        const tiles = await crew.upscale(shares, details, (worker, progress) => {
          known[worker] = { ...progress, at: elapsed() };
          report();
        });
        this.secondsPerWork = (this.secondsPerWork + elapsed() / longest) / 2;
        onProgress({ done: total, total, secondsLeft: 0 });
        return tiles;
      } finally {
        clearInterval(clock);
      }
    }

    async withAlpha(image, result, scale) {
      if (isOpaque(image.data)) return result;
      const [{ data }] = await this.onPixels("channel", { image, place: 3, scale });
      for (let place = 0; place < data.length; place++) result.data[4 * place + 3] = data[place];
      return result;
    }

    // Bicubic enlargement, in a worker of its own: it does not wait for the network.
    async bicubic(image, scale) {
      const [result] = await this.onPixels("bicubic", { image, scale });
      return result;
    }

    async onPixels(task, details) {
      this.pixels = this.pixels || new srganRemote.Remote(await srganRemote.text("worker"));
      return this.pixels.ask(task, details);
    }

    stop(reason = aborted()) {
      if (this.crew) this.crew.stop(reason);
      this.crew = null;
    }
  }

  window.srganLive = Object.assign(window.srganLive || {}, {
    missing: whatIsMissing(),
    models: build.models,
    limit,
    create: (wishes) => new Engine(wishes),
    receive: srganRemote.receive,
  });
})();
