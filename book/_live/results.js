/* The results of one photo: which are there, which are shown, the mixtures between two of them, the downloads. */
"use strict";

window.srganPage = window.srganPage || {};

(() => {
  const { panel, photo: photos, png, Viewer } = window.srganPage;
  const PIXELS = "pixels", BICUBIC = "bicubic", MIXED = "mixed";

  class Results {
    /* `models` are the engine's of one scale; `compute(model)` is called when a mixture of networks is asked for. */
    constructor(parts, models, compute) {
      Object.assign(this, { parts, compute });
      this.viewer = new Viewer(parts.stage, () => this.onView());
      this.found = new Map(); // name -> {label, picture, canvas}
      this.downloads = new Map(); // name -> its button
      this.listen();
      this.use(models);
    }

    /* From now on the results are those of `models`, of another scale. */
    use(models) {
      this.resnet = models.find(({ t }) => t === 0);
      this.gan = models.find(({ t }) => t === 1);
      this.between = models.filter(({ t }) => t > 0 && t < 1);
      this.steps = this.between.map((model) => panel.button(percent(model.t), () => this.takeStep(model)));
      this.parts.weights.replaceChildren(...this.steps);
    }

    listen() {
      const { parts, viewer } = this;
      parts.smaller.addEventListener("click", () => viewer.zoomBy(1 / 1.5));
      parts.larger.addEventListener("click", () => viewer.zoomBy(1.5));
      parts.fit.addEventListener("click", () => viewer.fit());
      parts.full.addEventListener("click", () => viewer.zoomTo(1));
      parts.border.addEventListener("input", () => viewer.moveBorder(parts.border.value / 100));
      for (const side of ["left", "right"])
        parts[`${side}-choice`].addEventListener("change", (event) => this.choose(side, event.target.value));
      parts.mix.addEventListener("input", () => this.mix());
      for (const radio of parts.results.querySelectorAll("[name=live-view]"))
        radio.addEventListener("change", () => this.show());
    }

    get divided() {
      return this.parts.results.querySelector("[name=live-view]:checked").value === "slider";
    }

    /* Begin with a photo's picture and its bicubic enlargement. */
    begin(stem, picture, bicubic) {
      this.found.clear();
      this.downloads.clear();
      this.parts.downloads.replaceChildren();
      this.stem = stem;
      this.transparent = !png.kind(picture).opaque;
      this.chosen = { left: PIXELS, right: BICUBIC };
      this.touched = false; // then results that arrive leave the reader's choice alone
      this.viewer.size = null;
      this.size = { width: bicubic.width, height: bicubic.height };
      this.found.set(PIXELS, { label: "Your pixels", canvas: photos.shown(picture) });
      this.add(BICUBIC, "Bicubic", bicubic);
      this.parts.results.hidden = false;
      this.show();
    }

    /* A network's result has arrived. */
    arrive({ name, label, t }, picture) {
      this.add(name, t > 0 && t < 1 ? `Networks mixed, ${percent(t)}` : label, picture);
      if (t > 0 && t < 1) this.chosen.right = name;
      else if (!this.touched) this.chosen = { left: BICUBIC, right: name };
      this.show();
    }

    add(name, label, picture) {
      this.found.set(name, { label, picture, canvas: photos.shown(picture) });
    }

    get both() {
      return this.found.has(this.resnet.name) && this.found.has(this.gan.name);
    }

    get share() {
      return Number(this.parts.mix.value) / 100;
    }

    choose(side, name) {
      this.touched = true;
      this.chosen[side] = name;
      this.show();
    }

    /* The slider between the two results was moved: show what it does. */
    mix() {
      this.parts.share.textContent = percent(this.share);
      if (this.chosen.left === MIXED) this.show();
      else this.choose("right", MIXED);
    }

    /* One thing is computed at a time. */
    allowSteps(allowed) {
      for (const step of this.steps) step.disabled = !allowed;
    }

    takeStep(model) {
      if (this.found.has(model.name)) this.choose("right", model.name);
      else this.compute(model);
    }

    /* {label, parts, smooth} as the viewer wants it. */
    layer(name) {
      if (name !== MIXED) {
        const { label, canvas } = this.found.get(name);
        return { label, parts: [{ canvas, weight: 1 }], smooth: name !== PIXELS };
      }
      const of = (model, weight) => ({ canvas: this.found.get(model.name).canvas, weight });
      return { label: this.mixedLabel, parts: [of(this.resnet, 1 - this.share), of(this.gan, this.share)] };
    }

    get mixedLabel() {
      return `Results mixed, ${percent(this.share)}`;
    }

    get names() {
      return [...this.found.keys(), ...(this.both ? [MIXED] : [])];
    }

    /* Side by side: bicubic, the two networks, and a mixture where one is chosen, else the photo itself. */
    get beside() {
      const three = [BICUBIC, this.resnet.name, this.gan.name], { right } = this.chosen;
      const four = right === PIXELS || three.includes(right) ? [PIXELS, ...three] : [...three, right];
      return four.filter((name) => this.names.includes(name));
    }

    show() {
      const { parts, divided, chosen } = this;
      const layers = (divided ? [chosen.left, chosen.right] : this.beside).map((name) => this.layer(name));
      parts["border-tools"].hidden = parts.handle.hidden = !divided;
      for (const side of ["left", "right"]) fillSelect(parts[`${side}-choice`], this.options, chosen[side]);
      this.viewer.show(this.size, layers, { divided, transparent: this.transparent });
      this.showLabels(layers);
      this.showMixtures();
      this.showDownloads();
    }

    get options() {
      return this.names.map((name) => ({ name, label: this.layer(name).label }));
    }

    showLabels(layers) {
      const { parts } = this;
      parts.labels.classList.toggle("live-apart", this.divided);
      const made = (text) => Object.assign(document.createElement("span"), { textContent: text });
      parts.labels.replaceChildren(...layers.map(({ label }) => made(label)));
      this.layers = layers;
      this.onView();
    }

    showMixtures() {
      this.parts.between.disabled = !this.both;
      this.between.forEach(({ name }, i) => {
        this.steps[i].setAttribute("aria-pressed", String(this.chosen.right === name));
      });
    }

    showDownloads() {
      for (const name of this.names.filter((name) => name !== PIXELS)) {
        if (!this.downloads.has(name)) this.downloads.set(name, panel.button("", () => this.save(name)));
        this.downloads.get(name).textContent = this.layer(name).label;
      }
      const buttons = [...this.downloads.values()];
      this.parts.downloads.append(...buttons.filter((button) => !button.isConnected)); // the others keep the focus
    }

    /* Zoom and border as the controls show them, and the stage's description in words. */
    onView() {
      const { parts, viewer, layers } = this;
      if (!layers || !viewer.pane) return;
      parts.labels.style.gridTemplateColumns = `repeat(${this.divided ? 2 : viewer.columns}, 1fr)`;
      parts.zoom.textContent = percent(viewer.scale);
      parts.handle.style.left = `${100 * viewer.border}%`;
      if (document.activeElement !== parts.border) parts.border.value = 100 * viewer.border;
      parts.border.setAttribute("aria-valuetext", `${layers[0].label} up to ${percent(viewer.border)}`);
      const what = layers.map(({ label }) => label);
      const order = this.divided ? `${what[0]} left and ${what[1]} right of the border` : what.join(", ");
      parts.stage.setAttribute("aria-label", `Pictures: ${order}. Zoom ${percent(viewer.scale)}.`);
    }

    picture(name) {
      if (name !== MIXED) return this.found.get(name).picture;
      const [a, b] = [this.resnet, this.gan].map((model) => this.found.get(model.name).picture);
      return photos.mixed(a, b, this.share);
    }

    async save(name) {
      const blob = await png.write(this.picture(name)), address = URL.createObjectURL(blob);
      const suffix = name === MIXED ? `mixed-${Math.round(100 * this.share)}` : name;
      const download = `${this.stem}_x${this.resnet.scale}_${suffix}.png`;
      Object.assign(document.createElement("a"), { href: address, download }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser reads it in its own time
    }
  }

  function percent(fraction) {
    return `${Math.round(100 * fraction)} %`;
  }

  function fillSelect(select, options, chosen) {
    options.forEach(({ name, label }, i) => {
      const option = select.options[i] || select.appendChild(new Option());
      Object.assign(option, { value: name, textContent: label });
    });
    select.length = options.length;
    select.value = chosen;
  }

  window.srganPage.Results = Results;
})();
