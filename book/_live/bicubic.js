// MATLAB's bicubic enlargement by a whole number, as srgan_lib.degradations.imresize: rows first, rounded after each
// dimension, pixels beyond the border equal to the border's.

const srganBicubic = (() => {
  const TAPS = 4;

  // Keys' cubic kernel with a = -0.5.
  function cubic(x) {
    x = Math.abs(x);
    if (x <= 1) return (1.5 * x - 2.5) * x * x + 1;
    return x <= 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  }

  // For each of scale * length outputs, the inputs that it is made of and their weights.
  function taps(length, scale) {
    const indices = new Int32Array(scale * length * TAPS);
    const weights = new Float64Array(indices.length);
    for (let place = 0; place < indices.length; place++) {
      const centre = (Math.floor(place / TAPS) + 0.5) / scale - 0.5;
      const index = Math.floor(centre) - 1 + (place % TAPS);
      indices[place] = Math.min(length - 1, Math.max(0, index));
      weights[place] = cubic(centre - index);
    }
    return { indices, weights };
  }

  // (lines, length) to (lines, scale * length); strides say where the next number and the next line stand.
  function enlarge(source, from, target, to, scale) {
    const { indices, weights } = taps(from.length, scale);
    for (let line = 0; line < from.lines; line++) {
      for (let out = 0; out < scale * from.length; out++) {
        let sum = 0.5; // rounds
        for (let tap = out * TAPS; tap < (out + 1) * TAPS; tap++) {
          sum += weights[tap] * source[line * from.line + indices[tap] * from.next];
        }
        target[line * to.line + out * to.next] = Math.min(255, Math.max(0, Math.floor(sum)));
      }
    }
  }

  // One channel of levels, (height, width) to (scale * height, scale * width).
  function plane(levels, width, height, scale) {
    const tall = new Uint8Array(scale * height * width);
    const down = { line: 1, next: width };
    enlarge(levels, { ...down, lines: width, length: height }, tall, down, scale);
    const large = new Uint8Array(scale * scale * height * width);
    const across = { line: width, next: 1, lines: scale * height, length: width };
    enlarge(tall, across, large, { line: scale * width, next: 1 }, scale);
    return large;
  }

  // {width, height, data: RGBA} to one with `scale` times the sides.
  function image({ width, height, data }, scale) {
    const result = new Uint8ClampedArray(scale * scale * data.length);
    for (let channel = 0; channel < 4; channel++) {
      const large = plane(data.filter((_, index) => index % 4 === channel), width, height, scale);
      for (let place = 0; place < large.length; place++) result[4 * place + channel] = large[place];
    }
    return { width: scale * width, height: scale * height, data: result };
  }

  return { plane, image };
})();
