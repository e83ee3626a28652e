// The generator in the page: window.srganLive, on which page.js builds what readers see.
//
// All work is done in Web Workers. Whatever is heavy, ONNX Runtime and the models, comes as scripts that hold
// gzipped files as text: a page opened from a file may load scripts, but may not fetch files. The build
// (book/_extensions/live_model.py) writes them, and before this file catalogue.js, which defines
// `srganLiveBuild`: {missing, models, parts, files}.

(() => {
  const LARGEST = 1000000; // pixels; 16 times as many are the most that a canvas may have on phones
  const CALIBRATION = 32; // side of the image that the speed is first measured with
  const PATIENCE = 250; // milliseconds from one report of progress to the next
  const SIZES = {
    wasm: { tile: 384, cell: 64 },
    webgpu: { tile: 384, cell: 128 },
  };
  // (module (func (result v128) i32.const 0 i8x16.splat))
  const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];

  const build = window.srganLiveBuild || { missing: "the book was built without them", models: [], files: {} };
  const folder = document.currentScript.src.replace(/[^/]*$/, "");
  const packed = new Map(); // name -> what the file's script handed over

  // ---------------------------------------------------------------------------------- what may be missing

  function lackOfBrowser() {
    if (!window.Worker || !window.WebAssembly) return "WebAssembly";
    if (!WebAssembly.validate(new Uint8Array(SIMD))) return "WebAssembly SIMD";
    return window.DecompressionStream ? null : "decompression of streams";
  }

  function whatIsMissing() {
    if (build.missing) return build.missing;
    const lack = lackOfBrowser();
    return (
      lack &&
      `This browser has no ${lack}, which the model needs; Chrome 91, Firefox 113 or Safari 16.4, or newer ones, have it.`
    );
  }

  // --------------------------------------------------------------------------------------------- the files

  function file(name) {
    if (!packed.has(name)) {
      packed.set(
        name,
        new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = folder + name + ".js";
          script.onload = () => resolve(received.get(name));
          script.onerror = () => reject(new Error(`${name}.js could not be loaded; reload the page.`));
          document.head.append(script);
        }),
      );
      packed.get(name).catch(() => packed.delete(name));
    }
    return packed.get(name);
  }
  const received = new Map();

  // -------------------------------------------------------------------------------------------- the worker

  const aborted = () => new DOMException("The upscaling was cancelled.", "AbortError");

  // A Web Worker whose answers are promises.
  class Remote {
    constructor(source) {
      this.address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      this.worker = new Worker(this.address);
      this.waiting = new Map();
      this.count = 0;
      this.worker.onmessage = ({ data }) => this.hear(data);
      this.worker.onerror = (event) => this.stop(new Error(event.message || "The worker could not be started."));
    }

    ask(task, details, onProgress) {
      if (this.stopped) return Promise.reject(this.stopped);
      const id = ++this.count;
      return new Promise((resolve, reject) => {
        this.waiting.set(id, { resolve, reject, onProgress });
        this.worker.postMessage({ id, task, ...details });
      });
    }

    hear({ id, done, failed, progress }) {
      const asked = this.waiting.get(id);
      if (progress !== undefined) {
        if (asked && asked.onProgress) asked.onProgress(progress);
        return;
      }
      this.waiting.delete(id);
      if (failed !== undefined) asked.reject(new Error(failed));
      else asked.resolve(done);
    }

    stop(reason) {
      this.stopped = reason;
      this.worker.terminate();
      URL.revokeObjectURL(this.address);
      for (const { reject } of this.waiting.values()) reject(reason);
      this.waiting.clear();
    }
  }

  async function unpackedText(name) {
    const bytes = Uint8Array.from(atob(await file(name)), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  async function hasGraphicsProcessor() {
    const adapter = navigator.gpu && (await navigator.gpu.requestAdapter().catch(() => null));
    if (!adapter) return false;
    const info = adapter.info || {};
    return !(adapter.isFallbackAdapter || info.isFallbackAdapter); // imitated by the processor: slower than WASM
  }

  // -------------------------------------------------------------------------------------------- the engine

  class Engine {
    constructor(wishes = {}) {
      this.wishes = wishes; // {backend, sizes, optimisation}: for measurements and tests
      this.secondsPerWork = 0;
      this.queue = Promise.resolve();
      this.remote = null;
      this.pixels = null;
    }

    // Loads the runtime and the first model and measures the speed: {backend, threads}.
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
      return { backend: this.backend, threads: this.threads };
    }

    async startOn(backend) {
      this.backend = backend;
      const cores = Math.min(8, navigator.hardwareConcurrency || 1);
      this.threads = window.crossOriginIsolated ? cores : 1;
      this.sizes = this.wishes.sizes || SIZES[backend];
      await this.ready();
      await this.calibrate();
    }

    // A worker with the runtime in it; a new one after one was stopped.
    async ready() {
      if (this.remote) return this.remote;
      const [script, module, binary, ...own] = await Promise.all([
        unpackedText(`${this.backend}-script`),
        file(`${this.backend}-module`),
        file(`${this.backend}-binary`),
        unpackedText("worker"),
      ]);
      const remote = new Remote([script, ...own].join("\n"));
      this.remote = remote;
      this.loaded = new Map();
      await remote.ask("start", {
        runtime: { module, binary },
        backend: this.backend,
        threads: this.threads,
        optimisation: this.wishes.optimisation || "all",
        sizes: this.sizes,
      });
      return remote;
    }

    async load(model) {
      const remote = await this.ready();
      if (!this.loaded.has(model)) {
        const parts = JSON.parse(await file(`model-${model}`));
        this.loaded.set(
          model,
          remote.ask("load", { model, parts: build.parts.map((part, place) => ({ ...part, packed: parts[place] })) }),
        );
      }
      await this.loaded.get(model);
      return remote;
    }

    async calibrate() {
      const model = this.wishes.model || window.srganLive.models[0].name;
      const image = { width: CALIBRATION, height: CALIBRATION, data: new Uint8ClampedArray(4 * CALIBRATION ** 2) };
      const remote = await this.load(model);
      await remote.ask("upscale", { image, model }); // the first run also sets up memory
      const start = performance.now();
      await remote.ask("upscale", { image, model });
      this.secondsPerWork = (performance.now() - start) / 1000 / this.work(CALIBRATION, CALIBRATION);
    }

    work(width, height) {
      return srganTiles.work({ width, height }, build.parts, this.sizes);
    }

    // Seconds for an image of that size, from what has been measured so far.
    estimate(width, height) {
      return this.secondsPerWork * this.work(width, height);
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
        const remote = await this.load(model);
        if (signal && signal.aborted) throw aborted();
        return await this.timed(remote, image, model, onProgress);
      } catch (error) {
        this.stop(error); // whatever went wrong in it, such as too little memory: the next job gets a new worker
        throw error;
      } finally {
        if (signal) signal.removeEventListener("abort", stop);
      }
    }

    // Between two reports of the worker, progress is what the measured speed lets expect.
    async timed(remote, image, model, onProgress) {
      const total = this.work(image.width, image.height);
      const start = performance.now();
      const elapsed = () => (performance.now() - start) / 1000;
      let known = { done: 0, next: 0, at: 0 };
      const report = () => {
        const rate = known.done ? known.at / known.done : this.secondsPerWork;
        const done = known.done + Math.min(0.95 * known.next, (elapsed() - known.at) / rate);
        onProgress({ done, total, secondsLeft: rate * (total - done) });
      };
      const clock = setInterval(report, PATIENCE);
      report();
      try {
        const result = await remote.ask("upscale", { image, model }, (progress) => {
          known = { ...progress, at: elapsed() };
          report();
        });
        this.secondsPerWork = (this.secondsPerWork + elapsed() / total) / 2;
        onProgress({ done: total, total, secondsLeft: 0 });
        return result;
      } finally {
        clearInterval(clock);
      }
    }

    // Bicubic enlargement by 4, in a worker of its own: it does not wait for the network.
    async bicubic(image) {
      this.pixels = this.pixels || new Remote(await unpackedText("worker"));
      return this.pixels.ask("bicubic", { image });
    }

    stop(reason = aborted()) {
      if (this.remote) this.remote.stop(reason);
      this.remote = null;
    }
  }

  window.srganLive = Object.assign(window.srganLive || {}, {
    missing: whatIsMissing(),
    models: build.models,
    limit: LARGEST,
    create: (wishes) => new Engine(wishes),
    receive: (name, content) => received.set(name, content),
  });
})();
