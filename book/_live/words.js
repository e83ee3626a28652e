/* What the live model says: sizes, times and whole sentences. */
"use strict";

window.srganPage = window.srganPage || {};

(() => {
  const sides = ({ width, height }) => `${width}\u00a0×\u00a0${height}`;

  function megapixels(pixels) {
    const number = Number((pixels / 1e6).toFixed(pixels < 1e6 ? 2 : 1));
    return `${number} ${number === 1 ? "megapixel" : "megapixels"}`;
  }

  function duration(seconds) {
    if (seconds < 1.5) return "about a second";
    if (seconds < 20) return `about ${Math.round(seconds)} seconds`;
    if (seconds < 90) return `about ${5 * Math.round(seconds / 5)} seconds`;
    return seconds < 3600 ? `about ${Math.round(seconds / 60)} minutes` : `about ${(seconds / 3600).toFixed(1)} hours`;
  }

  /* Where the engine computes, from what its start says: it has threads in one worker, or several workers. */
  function backend({ backend: name, threads, workers }) {
    if (name === "webgpu") return "on the graphics card (WebGPU)";
    const count = threads * workers;
    return `on the processor (WebAssembly, ${count === 1 ? "one thread" : `${count} threads`})`;
  }

  const INSTEAD =
    "You can do the same with the library: run the next code cell (the rocket at the top of the page opens this " +
    "chapter in Colab), or type “srgan upscale photo.jpg” on the command line.";

  const promise = (limit) =>
    "Nothing is uploaded. The networks are loaded into your browser and run there. A photo may have up to " +
    `${megapixels(limit.pixels)}; a larger one is shrunk first, or you choose a part.`;

  const tooLarge = (photo, limit, shrunk) =>
    `This photo has ${megapixels(photo.width * photo.height)}, ${sides(photo)} pixels; the page takes ` +
    `${megapixels(limit.pixels)}, and at most ${limit.side} pixels to a side. It can be shrunk ` +
    `to ${sides(shrunk)} pixels first, or you choose a part that keeps its pixels.`;

  const choosing = (part) => `Move the frame to the part that is to be enlarged: ${sides(part)} pixels.`;

  const slow = (seconds, place) =>
    `This will take ${duration(seconds)} ${place}, for both networks together. You can cancel at any time.`;

  const failed = (reason) =>
    `The networks could not compute this (${reason}). Reload the page, take a smaller part, or run the next code ` +
    "cell instead.";

  window.srganPage.words = { INSTEAD, backend, choosing, duration, failed, promise, sides, slow, tooLarge };
})();
