/* Stands in for book/_live/engine.js in the tests of the page: same interface, no network. It repeats pixels, makes them
   brighter for a model, and is slow where the test says so (`window.standIn.seconds` for each model). A test that wants
   other scales than 4 names them in `window.standInScales` before the page is loaded. */
"use strict";

window.standIn = { seconds: 0, estimate: 1 };

(() => {
  const modelsOf = (scale) => [0, 0.25, 0.5, 0.75, 1].map((t) => ({
    name: `${t === 0 ? "srresnet-mse" : t === 1 ? "srgan-vgg54" : `interpolated-${t}`}${scale === 4 ? "" : "-x2"}`,
    label: t === 0 ? "SRResNet" : t === 1 ? "SRGAN" : "between",
    t,
    scale,
    bytes: 1,
  }));
  const models = (window.standInScales || [4]).flatMap(modelsOf);

  function repeated({ width, height, data }, scale, brighter) {
    const result = { width: scale * width, height: scale * height };
    result.data = new Uint8ClampedArray(scale * scale * data.length);
    for (let y = 0, to = 0; y < result.height; y++)
      for (let x = 0; x < result.width; x++, to += 4) {
        const from = 4 * (Math.floor(y / scale) * width + Math.floor(x / scale));
        for (let channel = 0; channel < 4; channel++)
          result.data[to + channel] = data[from + channel] + (channel < 3 ? brighter : 0);
      }
    return result;
  }

  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

  const engine = {
    start: async () => ({ backend: "wasm", threads: 1, workers: 1 }),
    estimate: () => window.standIn.estimate,
    bicubic: async (image, scale) => repeated(image, scale, 0),
    async upscale(image, { model, onProgress, signal }) {
      const total = 10;
      for (let done = 0; done < total; done++) {
        onProgress({ done, total, secondsLeft: total - done });
        await pause(window.standIn.seconds / total);
        if (signal.aborted) throw new DOMException("cancelled", "AbortError");
      }
      const { t, scale } = models.find(({ name }) => name === model);
      return repeated(image, scale, 20 + 40 * t);
    },
  };

  const limit = (scale) => ({ pixels: 640_000 / scale ** 2, side: 16384 / scale });
  window.srganLive = { missing: null, models, limit, create: () => engine };
})();
