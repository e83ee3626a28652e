/* Stands in for book/_live/engine.js in the tests of the page: same interface, no network. It repeats pixels, makes them
   brighter for a model, and is slow where the test says so (`window.standIn.seconds` for each model). */
"use strict";

window.standIn = { seconds: 0, estimate: 1 };

(() => {
  const models = [0, 0.25, 0.5, 0.75, 1].map((t) => ({
    name: t === 0 ? "srresnet-mse" : t === 1 ? "srgan-vgg54" : `interpolated-${t}`,
    label: t === 0 ? "SRResNet" : t === 1 ? "SRGAN" : "between",
    t,
    bytes: 1,
  }));

  function repeated({ width, height, data }, brighter) {
    const result = { width: 4 * width, height: 4 * height, data: new Uint8ClampedArray(16 * data.length) };
    for (let y = 0, to = 0; y < result.height; y++)
      for (let x = 0; x < result.width; x++, to += 4) {
        const from = 4 * ((y >> 2) * width + (x >> 2));
        for (let channel = 0; channel < 4; channel++)
          result.data[to + channel] = data[from + channel] + (channel < 3 ? brighter : 0);
      }
    return result;
  }

  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

  const engine = {
    start: async () => ({ backend: "wasm", threads: 1, workers: 1 }),
    estimate: () => window.standIn.estimate,
    bicubic: async (image) => repeated(image, 0),
    async upscale(image, { model, onProgress, signal }) {
      const total = 10;
      for (let done = 0; done < total; done++) {
        onProgress({ done, total, secondsLeft: total - done });
        await pause(window.standIn.seconds / total);
        if (signal.aborted) throw new DOMException("cancelled", "AbortError");
      }
      return repeated(image, 20 + 40 * models.find(({ name }) => name === model).t);
    },
  };

  window.srganLive = { missing: null, models, limit: 40_000, create: () => engine };
})();
