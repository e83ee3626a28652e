// Figures that a reader moves: two pictures under one border ("compare"), several on one slider ("frames").
//
//   <figure data-srgan-figure="compare" aria-label="A cat, enlarged four times">
//     <div><img alt="the cat, blurred"> <small>bicubic</small></div>
//     <div><img alt="the cat, sharp"> <small>SRGAN</small></div>
//   </figure>
//
// Each <div> is a layer: a picture of any kind (an image, a canvas) and its caption; all pictures have one
// shape. Without this script the figure shows its layers side by side. A caption may be changed at any time.
//
// The script may stand in a page many times, once in each output of a notebook: the first one counts. It
// starts the figures that are there; srganFigures.compare(figure) or .frames(figure) starts a later one.
// Nothing moves by itself, so there is no motion to reduce.

window.srganFigures ||= (() => {
  const started = new WeakSet();
  const STYLE = `
    [data-srgan-figure] small { display: block; margin-top: .25em; font-size: .9em; line-height: 1.4; }
    [data-srgan-figure] input[type=range] {
      display: block; width: 100%; height: 1.75rem; margin: 0; padding: 0; cursor: pointer; }
    [data-srgan-figure] input[type=range]:focus-visible {
      outline: 2px solid currentColor; outline-offset: -2px; border-radius: 4px; }
    .srgan-border { position: relative; overflow: hidden; border-radius: 4px; user-select: none; }
    .srgan-border > * { display: block; width: 100%; max-width: none !important; margin: 0 !important; }
    .srgan-border > .srgan-above { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--at)); }
    .srgan-border > .srgan-line { position: absolute; inset: 0 auto 0 calc(var(--at) - 1px); width: 2px;
      background: #fff; box-shadow: 0 0 0 1px #0008; pointer-events: none; }
    .srgan-line::after { content: "\\2194"; position: absolute; top: 50%; left: 50%; translate: -50% -50%;
      width: 1.75rem; border-radius: 50%; background: #fff; color: #222; box-shadow: 0 0 0 1px #0008;
      font: 1.1rem/1.75rem sans-serif; text-align: center; }
    .srgan-sides { display: flex; justify-content: space-between; gap: 1em; margin: 0; color: inherit; }
    .srgan-sides > :last-child { text-align: right; }
    .srgan-frames { display: grid; }
    .srgan-frames > * { grid-area: 1 / 1; min-width: 0; }`;

  // A new element of the given class that holds the children.
  function element(name, kind, ...children) {
    const made = document.createElement(name);
    made.className = kind;
    made.append(...children);
    return made;
  }

  // A slider from 0 to `last`; `autocomplete` keeps a browser from moving it when the page is loaded again.
  function slider(last, value) {
    const range = element("input", "");
    Object.assign(range, { type: "range", min: 0, max: last, value, autocomplete: "off" });
    return range;
  }

  // Takes the figure's layers out and puts `parts` in their place; false where that was done before.
  function begin(figure) {
    if (started.has(figure)) return false;
    started.add(figure);
    if (!document.querySelector("style[data-srgan-figures]")) {
      const style = element("style", "", STYLE);
      style.dataset.srganFigures = "";
      document.head.append(style);
    }
    figure.style.display = "block";
    return true;
  }

  // Two layers in one place: the second is uncovered right of a border, which the slider, the arrow keys, a
  // drag or a tap on the picture move.
  function compare(figure) {
    if (!begin(figure)) return;
    const layers = [...figure.children];
    const [left, right] = layers.map((layer) => layer.lastElementChild);
    const [below, above] = layers.map((layer) => layer.firstElementChild);
    above.classList.add("srgan-above");
    const stage = element("div", "srgan-border", below, above, element("span", "srgan-line"));
    const range = slider(100, 50);
    figure.replaceChildren(stage, range, element("figcaption", "srgan-sides", left, right));

    function show() {
      const [a, b] = [left.textContent, right.textContent];
      stage.style.setProperty("--at", `${range.value}%`);
      range.setAttribute("aria-label", `${a} on the left, ${b} on the right: move the border`);
      range.setAttribute("aria-valuetext", `${range.value} % ${a}, ${100 - range.value} % ${b}`);
    }
    function follow(event) {
      const box = stage.getBoundingClientRect();
      range.value = (100 * (event.clientX - box.left)) / box.width;
      range.dispatchEvent(new Event("input", { bubbles: true }));
    }
    range.addEventListener("input", show);
    show();
    Object.assign(stage.style, { cursor: "ew-resize", touchAction: "pan-y" }); // up and down still scrolls
    stage.addEventListener("dragstart", (event) => event.preventDefault());
    stage.addEventListener("pointerdown", (event) => stage.setPointerCapture(event.pointerId));
    stage.addEventListener("pointermove", (event) => {
      if (stage.hasPointerCapture(event.pointerId)) follow(event);
    });
    stage.addEventListener("click", (event) => {
      follow(event);
      range.focus({ preventScroll: true }); // from here on the arrow keys move it
    });
  }

  // Layers in one place, of which the slider shows one. Screen readers say its caption as the slider's value.
  function frames(figure) {
    if (!begin(figure)) return;
    const layers = [...figure.children];
    const range = slider(layers.length - 1, 0);
    range.setAttribute("aria-label", figure.getAttribute("aria-label") ?? "Pictures");
    figure.replaceChildren(range, element("div", "srgan-frames", ...layers));

    function show() {
      layers.forEach((layer, number) => {
        layer.style.visibility = number === Number(range.value) ? "visible" : "hidden";
      });
      range.setAttribute("aria-valuetext", layers[range.value].lastElementChild.textContent);
    }
    range.addEventListener("input", show);
    show();
  }

  // Starts every figure inside `root`.
  function start(root = document) {
    root.querySelectorAll("[data-srgan-figure=compare]").forEach(compare);
    root.querySelectorAll("[data-srgan-figure=frames]").forEach(frames);
  }
  document.addEventListener("DOMContentLoaded", () => start());
  return { compare, frames, start };
})();
window.srganFigures.start();
