/* The live model of the chapter "Your own photos": takes a photo, asks where it must, has the engine enlarge it, and
   hands the results on. */
"use strict";

(() => {
  const { Crop, Results, panel, photo: photos, words } = window.srganPage;
  const ASK_ABOVE = { pixels: 100_000, seconds: 20 }; // a larger or slower photo states its time and asks
  const TOLD = 4; // times that a screen reader is told of a network's progress

  class Page {
    constructor(mount, live) {
      this.live = live;
      this.parts = panel.build(mount);
      this.engine = live.create();
      this.scale = live.models[0].scale;
      this.results = new Results(this.parts, this.models, (model) => this.run([model]));
      this.crop = new Crop(this.parts.board, this.parts.size, (part) => this.sayPart(part));
      this.visit = 0; // counts photos, so that what belongs to an earlier one is dropped
      this.listen(mount);
      this.offerScales();
    }

    /* The models of the chosen scale. */
    get models() {
      return this.live.models.filter(({ scale }) => scale === this.scale);
    }

    get networks() {
      return this.models.filter(({ t }) => t === 0 || t === 1);
    }

    get limit() {
      return this.live.limit(this.scale);
    }

    /* A choice where there is more than one scale. */
    offerScales() {
      const { parts } = this, scales = [...new Set(this.live.models.map(({ scale }) => scale))].sort((a, b) => a - b);
      const choose = (scale) => this.enlargeBy(scale);
      parts.scales.append(...scales.map((scale) => panel.scaleChoice(scale, scale === this.scale, choose)));
      parts.scales.hidden = scales.length < 2;
      parts.promise.textContent = words.promise(this.limit);
    }

    /* Another scale: what is shown of a photo, or the part of it that was chosen, is enlarged anew. */
    enlargeBy(scale) {
      this.abort();
      this.scale = scale;
      this.results.use(this.models);
      this.parts.promise.textContent = words.promise(this.limit);
      if (this.parts.work.hidden) return;
      this.parts.results.hidden = true;
      if (this.part && photos.fits(this.part, this.limit)) this.takePart();
      else this.offer();
    }

    listen(mount) {
      const { parts } = this;
      parts.choose.addEventListener("click", () => parts.file.click());
      parts.file.addEventListener("change", () => this.take(parts.file.files[0]));
      parts.another.addEventListener("click", () => this.leave());
      parts.cancel.addEventListener("click", () => this.abort());
      parts.part.addEventListener("click", () => this.askForPart());
      parts.go.addEventListener("click", () => this.onGo());
      parts.examples.append(
        ...(this.live.examples || []).map((example) =>
          panel.exampleButton(example, () => this.take(photos.blobFrom(example.data), example.name)),
        ),
      );
      document.addEventListener("paste", (event) => this.onTransfer(event, event.clipboardData));
      mount.addEventListener("drop", (event) => this.onTransfer(event, event.dataTransfer));
      for (const kind of ["dragover", "dragleave", "drop"])
        mount.addEventListener(kind, (event) => {
          event.preventDefault(); // else the browser would leave the page and open the file
          mount.classList.toggle("live-over", kind === "dragover");
        });
    }

    onTransfer(event, transfer) {
      const file = photos.fileIn(transfer);
      if (!file) return;
      event.preventDefault();
      this.take(file);
    }

    tell(sentence) {
      this.parts.status.textContent = sentence;
    }

    /* Show one of the states of the work, "ask", "running" or "took", or none. */
    only(state) {
      for (const name of ["ask", "running", "took"]) this.parts[name].hidden = name !== state;
      this.results.allowSteps(state !== "running");
    }

    complain(sentence) {
      this.parts.problem.textContent = sentence;
      this.parts.problem.hidden = !sentence;
    }

    abort() {
      if (this.running) this.running.abort();
      this.running = null;
    }

    /* Back to the beginning. */
    leave() {
      this.abort();
      this.visit++;
      this.complain("");
      this.parts.work.hidden = this.parts.results.hidden = true;
      this.parts.intake.hidden = false;
      this.parts.choose.focus();
    }

    async take(file, name) {
      if (!file) return;
      this.parts.file.value = ""; // so that the same file can be chosen again
      const taking = (this.taking = {}); // of several photos the last one counts
      this.complain("");
      try {
        const photo = await photos.open(file, name);
        if (taking !== this.taking) return photo.close();
        this.greet(photo);
      } catch (problem) {
        if (!(problem instanceof photos.NotAPhoto)) throw problem;
        this.complain(problem.message);
      }
    }

    greet(photo) {
      const { parts } = this;
      this.abort();
      if (this.photo) this.photo.close();
      this.photo = photo;
      parts.intake.hidden = parts.results.hidden = true;
      parts.work.hidden = false;
      parts.work.focus(); // the button that was pressed is gone; what was pasted elsewhere comes into view
      parts.name.textContent = photo.name;
      this.offer();
    }

    /* The whole photo, or the question what to do with one that is too large. */
    offer() {
      const { photo } = this;
      this.part = null;
      this.visit++;
      if (!photos.fits(photo, this.limit)) this.askToShrink();
      else this.prepare(() => photo.picture());
    }

    takePart() {
      const { photo, part } = this;
      this.prepare(() => photo.picture(part));
    }

    sayFacts(size) {
      const larger = { width: this.scale * size.width, height: this.scale * size.height };
      this.parts.facts.textContent = `${words.sides(size)} pixels, enlarged to ${words.sides(larger)}`;
    }

    ask(question, answer, onGo, { cropping = false } = {}) {
      this.only("ask");
      this.onGo = onGo;
      this.parts.question.textContent = question;
      this.parts.go.textContent = answer;
      this.parts.crop.hidden = !cropping;
      this.parts.part.hidden = cropping;
      this.tell(question);
    }

    askToShrink() {
      const { photo, limit } = this, size = photos.shrunk(photo, limit);
      this.parts.facts.textContent = `${words.sides(photo)} pixels`;
      const shrink = () => this.prepare(() => photo.picture(undefined, size));
      this.ask(words.tooLarge(photo, limit, size), "Shrink it", shrink);
    }

    askForPart() {
      const { photo, crop } = this;
      const take = () => {
        this.part = crop.part;
        this.takePart();
      };
      this.ask("", "Take this part", take, { cropping: true });
      crop.open(photo, this.limit);
      this.parts.board.focus({ preventScroll: true });
    }

    sayPart(part) {
      this.parts.question.textContent = words.choosing(part);
    }

    /* Get pixels and engine ready; then begin, or ask when it will take long. */
    async prepare(makePicture) {
      this.abort();
      const visit = ++this.visit; // what an earlier picture still waits for must not arrive in this one
      this.parts.results.hidden = true;
      this.showProgress({ text: "Getting the networks ready …" });
      try {
        const picture = await makePicture();
        if (visit !== this.visit) return;
        this.picture = picture;
        this.sayFacts(picture);
        this.started = this.started || this.engine.start();
        this.place = words.backend(await this.started);
        if (visit === this.visit) this.beginOrAsk();
      } catch (problem) {
        if (visit === this.visit) this.fail(problem);
      }
    }

    beginOrAsk() {
      const { width, height } = this.picture, each = this.engine.estimate(width, height, this.scale);
      const seconds = this.networks.length * each;
      if (width * height <= ASK_ABOVE.pixels && seconds <= ASK_ABOVE.seconds) return this.begin();
      this.ask(words.slow(seconds, this.place), "Start", () => this.begin());
    }

    async begin() {
      const visit = this.visit, { picture, photo, scale } = this;
      this.showProgress({ text: "Bicubic interpolation …" });
      try {
        const bicubic = await this.engine.bicubic(picture, scale);
        if (visit !== this.visit) return;
        this.results.begin(photo.stem, picture, bicubic);
        await this.run(this.networks);
      } catch (problem) {
        if (visit === this.visit) this.fail(problem);
      }
    }

    /* Compute with one model after the other. */
    async run(models) {
      if (this.running) return;
      const visit = this.visit, running = (this.running = new AbortController()), start = performance.now();
      this.complain("");
      try {
        for (const [i, model] of models.entries()) {
          const result = await this.compute(model, i, models.length, running.signal);
          if (visit !== this.visit) return;
          this.results.arrive(model, result);
        }
        this.done(models, (performance.now() - start) / 1000);
      } catch (problem) {
        if (visit === this.visit) this.stopped(problem, models);
      } finally {
        if (this.running === running) this.running = null;
      }
    }

    done(models, seconds) {
      const names = models.map(({ label }) => label).join(" and ");
      this.only("took");
      this.parts.took.textContent = `${names}: ${seconds.toFixed(1)} seconds ${this.place}.`;
      this.tell(`Done: ${names}.`);
    }

    compute(model, i, count, signal) {
      const { width, height } = this.picture, each = this.engine.estimate(width, height, this.scale);
      this.told = 0;
      this.tell(`${model.label} is computing.`);
      const onProgress = ({ done, total, secondsLeft }) => {
        const left = (secondsLeft === undefined ? each * (1 - done / total) : secondsLeft) + each * (count - 1 - i);
        this.showProgress({ text: `${model.label}: ${words.duration(left)} left`, value: (i + done / total) / count });
        this.tellProgress(model, done / total);
      };
      onProgress({ done: 0, total: 1 });
      return this.engine.upscale(this.picture, { model: model.name, onProgress, signal });
    }

    tellProgress(model, fraction) {
      const step = Math.floor(TOLD * fraction);
      if (step <= this.told || step === TOLD) return;
      this.told = step;
      this.tell(`${model.label}: ${(100 * step) / TOLD} percent.`);
    }

    showProgress({ text, value }) {
      this.only("running");
      if (value === undefined) this.parts.bar.removeAttribute("value");
      else this.parts.bar.value = value;
      this.parts.left.textContent = text;
      this.parts.cancel.hidden = value === undefined;
    }

    stopped(problem, models) {
      if (problem.name !== "AbortError") return this.fail(problem);
      const missing = models.filter(({ name }) => !this.results.found.has(name));
      this.ask("Cancelled. Your photo is still here.", "Start again", () => this.run(missing));
      this.parts.go.focus({ preventScroll: true });
    }

    fail(problem) {
      this.only("");
      this.started = null;
      this.complain(words.failed(problem.message));
    }
  }

  function missing(live) {
    if (!live) return "The live model is not part of this copy of the book.";
    if (live.missing) return live.missing;
    const needed = ["WebAssembly", "Worker", "CompressionStream", "createImageBitmap", "ResizeObserver"];
    const absent = needed.filter((name) => !(name in window));
    return absent.length ? `The live model needs a newer browser (this one lacks ${absent.join(", ")}).` : null;
  }

  function start() {
    const mount = document.getElementById("srgan-live");
    if (!mount) return;
    const sentence = missing(window.srganLive);
    if (sentence) panel.sayMissing(mount, sentence);
    else new Page(mount, window.srganLive);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
