/* Reading a photograph of the reader's: from a file, the clipboard or an example; upright, in sRGB, 8 bits.
   Pixels are taken out only when a part is chosen, so that a photograph of any size can be opened. */
"use strict";

window.srganPage = window.srganPage || {};

(() => {
  const { png } = window.srganPage;
  const LARGEST_EXACT = 16e6; // pixels of a PNG that is unpacked here; beyond, the browser reads it

  class NotAPhoto extends Error {}

  /* What a person who dropped this file should read. */
  async function reason(file) {
    if (file.size === 0) return "is empty. Fetch or save it again.";
    const looksLikeImage = file.type.startsWith("image/") || /\.(png|jpe?g|webp|gif|bmp|avif)$/i.test(file.name);
    if (!looksLikeImage) return "is not a photo that a browser can read. Use JPEG, PNG, WebP, AVIF, GIF or BMP.";
    if (/hei[cf]|tiff/.test(file.type)) return "has a format that this browser does not read. Save it as JPEG or PNG.";
    return "is damaged, or has a format that this browser does not read. Save it again, as JPEG or PNG.";
  }

  async function exactPixels(file) {
    if (!("DecompressionStream" in window) || file.size > 4 * LARGEST_EXACT) return null;
    return png.read(new Uint8Array(await file.arrayBuffer()), LARGEST_EXACT);
  }

  /* A Photo from a File or Blob. Throws NotAPhoto, with one line to show, for anything else. */
  async function open(file, name = file.name || "pasted photo") {
    let bitmap = null;
    try {
      bitmap = await createImageBitmap(file); // applies the camera's rotation, converts to sRGB
      return new Photo(name, bitmap, await exactPixels(file));
    } catch {
      if (bitmap) bitmap.close();
      throw new NotAPhoto(`“${name}” ${await reason(file)}`);
    }
  }

  class Photo {
    constructor(name, bitmap, exact) {
      this.name = name;
      this.stem = name.replace(/\.[^.]*$/, "").replaceAll(/[^\p{L}\p{N}_-]+/gu, "-") || "photo";
      this.bitmap = bitmap;
      this.exact = exact; // its pixels where the browser's canvas would not keep them; else null
      this.width = bitmap.width;
      this.height = bitmap.height;
    }

    get pixels() {
      return this.width * this.height;
    }

    /* The picture in a part {x, y, width, height}, made `size` {width, height} large where that is given. */
    async picture(part = { x: 0, y: 0, width: this.width, height: this.height }, size = null) {
      if (this.exact && !size) return cut(this.exact, part);
      const options = size ? { resizeWidth: size.width, resizeHeight: size.height, resizeQuality: "high" } : {};
      const bitmap = await createImageBitmap(this.bitmap, part.x, part.y, part.width, part.height, options);
      const context = canvasOf(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
      context.drawImage(bitmap, 0, 0);
      bitmap.close();
      return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
    }

    close() {
      this.bitmap.close();
    }
  }

  function cut(picture, { x, y, width, height }) {
    const data = new Uint8ClampedArray(4 * width * height);
    for (let row = 0; row < height; row++) {
      const start = 4 * ((y + row) * picture.width + x);
      data.set(picture.data.subarray(start, start + 4 * width), 4 * row * width);
    }
    return { width, height, data };
  }

  function canvasOf(width, height) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    return canvas;
  }

  /* A canvas that shows a picture. */
  function shown({ width, height, data }) {
    const canvas = canvasOf(width, height);
    canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
    return canvas;
  }

  /* Whether a photo may be enlarged as it is: neither too many pixels nor too long a side for `limit`,
     {pixels, side}. */
  function fits({ width, height }, limit) {
    return width * height <= limit.pixels && Math.max(width, height) <= limit.side;
  }

  /* The sides of a photo shrunk until it fits, its shape kept. */
  function shrunk({ width, height }, limit) {
    const scale = Math.min(Math.sqrt(limit.pixels / (width * height)), limit.side / Math.max(width, height));
    return { width: Math.max(1, Math.floor(scale * width)), height: Math.max(1, Math.floor(scale * height)) };
  }

  /* (1 - t) of picture a and t of picture b, rounded. */
  function mixed(a, b, t) {
    const data = new Uint8ClampedArray(a.data.length); // it rounds what is assigned
    for (let i = 0; i < data.length; i++) data[i] = (1 - t) * a.data[i] + t * b.data[i];
    return { width: a.width, height: a.height, data };
  }

  /* The first file of a drop or a paste; null where there is none. */
  function fileIn(transfer) {
    return (transfer && transfer.files && transfer.files[0]) || null;
  }

  /* A Blob from a data: address, without a request. */
  function blobFrom(address) {
    const [head, body] = address.split(",");
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    return new Blob([bytes], { type: head.slice(5).split(";")[0] });
  }

  window.srganPage.photo = { NotAPhoto, blobFrom, fileIn, fits, mixed, open, shown, shrunk };
})();
