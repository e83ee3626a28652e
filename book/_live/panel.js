/* What the live model looks like, as one template. */
"use strict";

window.srganPage = window.srganPage || {};

(() => {
  const { words } = window.srganPage;
  const TEMPLATE = `
<div class="live-scales" data-part="scales" role="radiogroup" aria-label="How many times larger" hidden></div>
<div class="live-intake" data-part="intake">
  <p class="live-invite"><strong>Drop a photo here</strong>, paste one, or</p>
  <p><button type="button" class="live-button live-main" data-part="choose">Choose a photo</button>
    <input type="file" accept="image/*" data-part="file" hidden></p>
  <div class="live-examples" data-part="examples" role="group" aria-label="Examples"></div>
</div>
<p class="live-problem" data-part="problem" role="alert" hidden></p>
<div class="live-work" data-part="work" role="region" aria-label="The photo and its enlargements" tabindex="-1" hidden>
  <div class="live-bar">
    <p class="live-facts"><strong data-part="name"></strong> <span data-part="facts"></span></p>
    <button type="button" class="live-button" data-part="another">Another photo</button>
  </div>
  <div class="live-ask" data-part="ask" hidden>
    <p data-part="question"></p>
    <div data-part="crop" hidden>
      <div class="live-board" data-part="board" role="application" tabindex="0"
        aria-label="Frame of the part. The arrow keys move it.">
        <canvas aria-hidden="true"></canvas>
        <div class="live-frame"></div>
      </div>
      <label class="live-line"><span>Size of the part</span>
        <input type="range" min="0" max="100" data-part="size"></label>
    </div>
    <div class="live-row">
      <button type="button" class="live-button live-main" data-part="go"></button>
      <button type="button" class="live-button" data-part="part">Choose a part</button>
    </div>
  </div>
  <div class="live-running" data-part="running" hidden>
    <progress data-part="bar" max="1" aria-label="Progress"></progress>
    <span data-part="left"></span>
    <button type="button" class="live-button" data-part="cancel">Cancel</button>
  </div>
  <p class="live-hint" data-part="took" hidden></p>
  <div data-part="results" hidden>
    <div class="live-tools">
      <div class="live-group" role="radiogroup" aria-label="View">
        <label class="live-toggle"><input type="radio" name="live-view" value="slider" checked>
          <span>Slider</span></label>
        <label class="live-toggle"><input type="radio" name="live-view" value="beside">
          <span>Side by side</span></label>
      </div>
      <div class="live-group" role="group" aria-label="Zoom">
        <button type="button" class="live-button live-sign" data-part="smaller" aria-label="Smaller">−</button>
        <output class="live-zoom" data-part="zoom">100 %</output>
        <button type="button" class="live-button live-sign" data-part="larger" aria-label="Larger">+</button>
        <button type="button" class="live-button" data-part="fit">Fit</button>
        <button type="button" class="live-button" data-part="full"
          aria-label="One to one: a pixel of the result is a pixel of the page">1:1</button>
      </div>
    </div>
    <div class="live-holder">
      <div class="live-stage" data-part="stage" role="application" tabindex="0" aria-describedby="live-keys">
        <canvas aria-hidden="true"></canvas>
        <div class="live-labels" data-part="labels" aria-hidden="true"></div>
        <div class="live-handle" data-part="handle" aria-hidden="true"></div>
      </div>
    </div>
    <div data-part="border-tools">
      <input type="range" class="live-border" data-part="border" min="0" max="100" step="any" value="50"
        aria-label="Border between the two pictures">
      <div class="live-sides">
        <label><span>Left</span><select data-part="left-choice"></select></label>
        <label><span>Right</span><select data-part="right-choice"></select></label>
      </div>
    </div>
    <p class="live-hint" id="live-keys">Drag to move, pinch to zoom; after a click the wheel zooms too.
      Keys: arrows, + and −, 0 fits, 1 is one to one.</p>
    <fieldset class="live-between" data-part="between" disabled>
      <legend>Between SRResNet and SRGAN</legend>
      <label class="live-line"><span>Mix the two <em>results</em></span>
        <span class="live-ends"><span aria-hidden="true">SRResNet</span>
          <input type="range" min="0" max="100" value="50" data-part="mix" aria-label="Share of SRGAN's result">
          <span aria-hidden="true">SRGAN</span></span>
        <output data-part="share">50 %</output></label>
      <div class="live-line"><span id="live-weights">Mix the two <em>networks</em></span>
        <span class="live-group" data-part="weights" role="group" aria-labelledby="live-weights"></span></div>
      <p class="live-hint" data-part="rule">At <i>t</i> each weight, and each running statistic, is (1 − <i>t</i>) of
        SRResNet's and <i>t</i> of SRGAN's. Batch normalisation is folded in after that.
        Each step is a network of its own and has to compute.</p>
    </fieldset>
    <div class="live-downloads"><span id="live-save">Download as PNG</span>
      <span class="live-group" data-part="downloads" role="group" aria-labelledby="live-save"></span></div>
  </div>
</div>
<p class="live-promise" data-part="promise"></p>
<p class="live-unseen" role="status" data-part="status"></p>`;

  /* Fill `mount`; the elements by their data-part. */
  function build(mount) {
    mount.classList.add("live");
    mount.innerHTML = TEMPLATE;
    const marked = [...mount.querySelectorAll("[data-part]")];
    return Object.fromEntries(marked.map((element) => [element.dataset.part, element]));
  }

  /* A choice among the scales, as radio buttons; `onChoose(scale)` is called with the chosen one. */
  function scaleChoice(scale, isChosen, onChoose) {
    const label = document.createElement("label"), radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "live-scale", value: scale, checked: isChosen });
    radio.addEventListener("change", () => onChoose(scale));
    label.className = "live-toggle";
    label.append(radio, Object.assign(document.createElement("span"), { textContent: `${scale} times larger` }));
    return label;
  }

  function button(text, onClick, kind = "") {
    const element = document.createElement("button");
    Object.assign(element, { type: "button", className: `live-button ${kind}`.trim(), textContent: text });
    element.addEventListener("click", onClick);
    return element;
  }

  /* A button that shows the example's picture. */
  function exampleButton({ label, data }, onClick) {
    const element = button("", onClick, "live-example"), image = document.createElement("img");
    Object.assign(image, { src: data, alt: "" });
    element.append(image, label);
    return element;
  }

  /* What stands in the model's place where it is not there. */
  function sayMissing(mount, sentence) {
    mount.classList.add("live");
    const what = document.createElement("p"), instead = document.createElement("p");
    what.textContent = sentence;
    instead.textContent = words.INSTEAD;
    mount.replaceChildren(what, instead);
  }

  window.srganPage.panel = { build, button, exampleButton, sayMissing, scaleChoice };
})();
