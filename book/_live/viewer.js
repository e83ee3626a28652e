/* The stage on which results are compared: two under one border, or all side by side; every view of them shows the
   same place at the same zoom. One canvas shows it all, so nothing can come apart. */
"use strict";

window.srganPage = window.srganPage || {};

(() => {
  const LARGEST_ZOOM = 32, STEP = 1.25;
  const TALLEST = 620, SHORTEST = 180; // CSS pixels
  const SQUARE = 8; // of the board behind transparent pictures
  const PAN = 40; // CSS pixels that an arrow key moves the picture

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  /* A layer is {label, parts: [{canvas, weight}], smooth}: pictures that are added up, the weights' sum being 1. */
  class Viewer {
    constructor(stage, onView) {
      this.stage = stage;
      this.onView = onView; // called when anything about the view changed
      this.canvas = stage.querySelector("canvas");
      this.context = this.canvas.getContext("2d");
      this.mixing = document.createElement("canvas").getContext("2d");
      this.panes = [];
      this.size = null; // of the results, in pixels
      this.border = 0.5;
      this.centre = { x: 0, y: 0 };
      this.zoom = null; // CSS pixels for a pixel of the result; null: as large as fits
      new ResizeObserver(() => this.lay()).observe(stage.parentNode);
      new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      listen(this);
    }

    /* Show layers of results of `size`: with `divided` two under the border, else each in a pane of its own. */
    show(size, layers, { divided, transparent }) {
      const same = this.size && this.size.width === size.width && this.size.height === size.height;
      Object.assign(this, { size, layers, divided, transparent });
      if (!same) this.fit();
      this.lay();
    }

    lay() {
      if (!this.size) return;
      const width = this.stage.parentNode.clientWidth;
      if (!width) return;
      const tallest = Math.min(TALLEST, 0.72 * window.innerHeight);
      const grid = this.divided ? { columns: 1, rows: 1 } : bestGrid(this.layers.length, this.size, width, tallest);
      const natural = (width / grid.columns) * (this.size.height / this.size.width) * grid.rows;
      const height = Math.round(clamp(natural, SHORTEST, tallest));
      const ratio = window.devicePixelRatio || 1;
      this.stage.style.height = `${height}px`;
      Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
      this.pane = { width: width / grid.columns, height: height / grid.rows };
      this.panes = this.divided ? dividedPanes(this) : gridPanes(this, grid);
      this.changed();
    }

    get columns() {
      return this.pane ? Math.round(this.stage.clientWidth / this.pane.width) : 1;
    }

    get fitting() {
      return Math.min(this.pane.width / this.size.width, this.pane.height / this.size.height);
    }

    get scale() {
      return this.zoom === null ? this.fitting : this.zoom;
    }

    fit() {
      this.zoom = null;
      this.centre = { x: this.size.width / 2, y: this.size.height / 2 };
      this.changed();
    }

    /* Set the zoom; the place under `point` (CSS pixels from the pane's middle) stays where it is. */
    zoomTo(zoom, point = { x: 0, y: 0 }) {
      const before = this.scale, after = clamp(zoom, Math.min(this.fitting, 1), LARGEST_ZOOM);
      for (const axis of ["x", "y"]) this.centre[axis] += point[axis] / before - point[axis] / after;
      this.zoom = after <= this.fitting * 1.001 && this.fitting <= 1 ? null : after;
      this.changed();
    }

    zoomBy(factor, point) {
      this.zoomTo(this.scale * factor, point);
    }

    panBy(x, y) {
      this.centre.x -= x / this.scale;
      this.centre.y -= y / this.scale;
      this.changed();
    }

    moveBorder(fraction) {
      this.border = clamp(fraction, 0, 1);
      if (this.divided && this.size) this.lay();
    }

    changed() {
      if (!this.pane) return;
      this.keepInside();
      this.draw();
      this.onView();
    }

    /* No empty margin on one side while there is picture left on the other. */
    keepInside() {
      for (const [axis, side] of [["x", "width"], ["y", "height"]]) {
        const half = this.pane[side] / this.scale / 2, all = this.size[side];
        this.centre[axis] = 2 * half >= all ? all / 2 : clamp(this.centre[axis], half, all - half);
      }
      this.stage.classList.toggle("live-can-pan", this.canPan);
    }

    get canPan() {
      return this.scale * this.size.width > this.pane.width + 1 || this.scale * this.size.height > this.pane.height + 1;
    }

    /* From client coordinates to CSS pixels from the middle of the pane they lie in. */
    point({ clientX, clientY }) {
      const box = this.canvas.getBoundingClientRect();
      const within = (value, side) => (((value % side) + side) % side) - side / 2;
      return { x: within(clientX - box.left, this.pane.width), y: within(clientY - box.top, this.pane.height) };
    }

    draw() {
      if (this.drawing || !this.panes.length) return;
      this.drawing = requestAnimationFrame(() => {
        this.drawing = 0;
        const ratio = this.canvas.width / this.stage.clientWidth || 1;
        this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
        this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
        for (const pane of this.panes) drawPane(this, pane, ratio);
      });
    }
  }

  /* The columns and rows in which `count` pictures appear largest. */
  function bestGrid(count, size, width, tallest) {
    const grids = Array.from({ length: count }, (_, i) => ({ columns: i + 1, rows: Math.ceil(count / (i + 1)) }));
    const zoom = ({ columns, rows }) => Math.min(width / columns / size.width, tallest / rows / size.height);
    return grids.reduce((best, grid) => (zoom(grid) > zoom(best) * 1.01 ? grid : best));
  }

  /* A pane: what it shows (layer), its part of the stage (clip), and where the pane's own box begins (x, y). */
  function dividedPanes({ layers, pane, border }) {
    const middle = border * pane.width;
    return [
      { layer: layers[0], x: 0, y: 0, clip: [0, 0, middle, pane.height] },
      { layer: layers[1], x: 0, y: 0, clip: [middle, 0, pane.width - middle, pane.height] },
    ];
  }

  function gridPanes({ layers, pane }, { columns }) {
    return layers.map((layer, i) => {
      const x = (i % columns) * pane.width, y = Math.floor(i / columns) * pane.height;
      return { layer, x, y, clip: [x + 1, y + 1, pane.width - 2, pane.height - 2] };
    });
  }

  function drawPane(viewer, { layer, x, y, clip }, ratio) {
    const { context, pane, scale, centre, size } = viewer;
    const left = x + pane.width / 2 - centre.x * scale, top = y + pane.height / 2 - centre.y * scale;
    const place = [left, top, size.width * scale, size.height * scale];
    context.save();
    context.beginPath();
    context.rect(...clip);
    context.clip();
    context.beginPath();
    context.rect(...place);
    context.clip();
    if (viewer.transparent) drawBoard(viewer, clip);
    context.imageSmoothingEnabled = layer.smooth !== false && scale * ratio < 1;
    context.imageSmoothingQuality = "high";
    if (layer.parts.length === 1) context.drawImage(layer.parts[0].canvas, ...place);
    else {
      const { clientWidth, clientHeight } = viewer.stage;
      context.drawImage(mixture(viewer, layer, place, ratio), 0, 0, clientWidth, clientHeight);
    }
    context.restore();
  }

  /* The weighted sum of a layer's pictures, on a canvas of the stage's size. */
  function mixture({ mixing, canvas, scale }, { parts }, place, ratio) {
    Object.assign(mixing.canvas, { width: canvas.width, height: canvas.height });
    mixing.setTransform(ratio, 0, 0, ratio, 0, 0);
    mixing.imageSmoothingEnabled = scale * ratio < 1;
    mixing.globalCompositeOperation = "lighter";
    for (const part of parts) {
      mixing.globalAlpha = part.weight;
      mixing.drawImage(part.canvas, ...place);
    }
    return mixing.canvas;
  }

  function drawBoard({ context }, [left, top, width, height]) {
    const dark = document.documentElement.dataset.theme === "dark";
    context.fillStyle = dark ? "#5a5753" : "#ffffff";
    context.fillRect(left, top, width, height);
    context.fillStyle = dark ? "#3c3936" : "#d9d4cd";
    for (let y = 0; y * SQUARE < top + height; y++)
      for (let x = y % 2; x * SQUARE < left + width; x += 2) context.fillRect(x * SQUARE, y * SQUARE, SQUARE, SQUARE);
  }

  /* ---- pointer, wheel and keys */

  function listen(viewer) {
    const { stage } = viewer, pointers = new Map();
    stage.addEventListener("keydown", (event) => onKey(viewer, event));
    stage.addEventListener("wheel", (event) => onWheel(viewer, event), { passive: false });
    stage.addEventListener("dblclick", (event) => viewer.zoomBy(2, viewer.point(event)));
    stage.addEventListener("pointerdown", (event) => {
      if (!viewer.size || event.button > 0) return;
      const onHandle = Boolean(event.target.closest(".live-handle"));
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, onHandle });
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => pointers.has(event.pointerId) && onMove(viewer, event, pointers));
    for (const end of ["pointerup", "pointercancel"])
      stage.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }

  /* One finger moves the border, or a picture that is larger than its pane; two zoom. */
  function onMove(viewer, event, pointers) {
    const last = pointers.get(event.pointerId), now = { x: event.clientX, y: event.clientY, onHandle: last.onHandle };
    const other = [...pointers].find(([id]) => id !== event.pointerId);
    pointers.set(event.pointerId, now);
    if (other) pinch(viewer, last, now, other[1]);
    else if (viewer.divided && (last.onHandle || !viewer.canPan)) {
      const box = viewer.stage.getBoundingClientRect();
      viewer.moveBorder((now.x - box.left) / box.width);
    } else viewer.panBy(now.x - last.x, now.y - last.y);
  }

  function pinch(viewer, last, now, other) {
    const distance = (a) => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
    const middle = { clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 };
    viewer.zoomBy(distance(now) / distance(last), viewer.point(middle));
    viewer.panBy((now.x - last.x) / 2, (now.y - last.y) / 2);
  }

  /* The wheel scrolls the page until the reader has turned to the picture, by a click or the Tab key. */
  function onWheel(viewer, event) {
    if (!viewer.size || !(event.ctrlKey || viewer.stage.contains(document.activeElement))) return;
    event.preventDefault();
    viewer.zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), viewer.point(event));
  }

  const KEYS = {
    ArrowLeft: (viewer) => viewer.panBy(PAN, 0),
    ArrowRight: (viewer) => viewer.panBy(-PAN, 0),
    ArrowUp: (viewer) => viewer.panBy(0, PAN),
    ArrowDown: (viewer) => viewer.panBy(0, -PAN),
    "+": (viewer) => viewer.zoomBy(STEP),
    "=": (viewer) => viewer.zoomBy(STEP),
    "-": (viewer) => viewer.zoomBy(1 / STEP),
    0: (viewer) => viewer.fit(),
    1: (viewer) => viewer.zoomTo(1),
  };

  function onKey(viewer, event) {
    const act = KEYS[event.key];
    if (!act || !viewer.size || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // the theme turns pages with the arrow keys
    act(viewer);
  }

  window.srganPage.Viewer = Viewer;
})();
