/* PNG files with exact pixels. A canvas stores colours multiplied by their opacity: what it reads and writes is
   not exact where a picture is transparent. So pictures are written here, and read here where they are PNGs with
   opacity. A picture is {width, height, data}, data RGBA, 8 bits each. */
"use strict";

window.srganPage = window.srganPage || {};

(() => {
  const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
  const GREY = 0, RGB = 2, GREY_ALPHA = 4, RGB_ALPHA = 6; // PNG's colour types
  const CHANNELS = { [GREY]: 1, [RGB]: 3, [GREY_ALPHA]: 2, [RGB_ALPHA]: 4 };
  const PAETH = 4; // the row filter that suits photographs best
  const ROWS_AT_ONCE = 64; // then the page may answer its reader

  const CRC = Uint32Array.from({ length: 256 }, (_, value) => {
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });

  function crc(bytes) {
    let rest = 0xffffffff;
    for (const byte of bytes) rest = CRC[(rest ^ byte) & 255] ^ (rest >>> 8);
    return ~rest >>> 0;
  }

  /* {grey, opaque} of a picture. */
  function kind({ data }) {
    let grey = true, opaque = true;
    for (let i = 0; i < data.length && (grey || opaque); i += 4) {
      if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) grey = false;
      if (data[i + 3] !== 255) opaque = false;
    }
    return { grey, opaque };
  }

  function paeth(left, above, corner) {
    const guess = left + above - corner;
    const toLeft = Math.abs(guess - left), toAbove = Math.abs(guess - above), toCorner = Math.abs(guess - corner);
    if (toLeft <= toAbove && toLeft <= toCorner) return left;
    return toAbove <= toCorner ? above : corner;
  }

  function chunk(name, content) {
    const bytes = new Uint8Array(content.length + 12), view = new DataView(bytes.buffer);
    view.setUint32(0, content.length);
    bytes.set([...name].map((letter) => letter.charCodeAt(0)), 4);
    bytes.set(content, 8);
    view.setUint32(content.length + 8, crc(bytes.subarray(4, content.length + 8)));
    return bytes;
  }

  function header({ width, height }, type) {
    const content = new Uint8Array(13), view = new DataView(content.buffer);
    view.setUint32(0, width);
    view.setUint32(4, height);
    content.set([8, type], 8); // bits a channel, colour type; the rest is 0: deflate, filters, not interlaced
    return chunk("IHDR", content);
  }

  function colourType(picture) {
    const { grey, opaque } = kind(picture);
    return grey ? (opaque ? GREY : GREY_ALPHA) : opaque ? RGB : RGB_ALPHA;
  }

  /* The bytes of one row in the file's colour type, not filtered. */
  function packRow({ width, data }, type, y, row) {
    const alpha = type === GREY_ALPHA || type === RGB_ALPHA, colours = CHANNELS[type] - alpha;
    let to = 0;
    for (let from = 4 * y * width; from < 4 * (y + 1) * width; from += 4) {
      for (let channel = 0; channel < colours; channel++) row[to++] = data[from + channel];
      if (alpha) row[to++] = data[from + 3];
    }
  }

  function filterRow(row, above, step, filtered) {
    filtered[0] = PAETH;
    for (let i = 0; i < row.length; i++) {
      const left = i < step ? 0 : row[i - step], corner = i < step ? 0 : above[i - step];
      filtered[i + 1] = row[i] - paeth(left, above[i], corner);
    }
  }

  async function writeRows(picture, type, writer) {
    const step = CHANNELS[type], length = step * picture.width;
    let row = new Uint8Array(length), above = new Uint8Array(length);
    for (let top = 0; top < picture.height; top += ROWS_AT_ONCE) {
      const rows = Math.min(ROWS_AT_ONCE, picture.height - top);
      const block = new Uint8Array(rows * (length + 1));
      for (let y = 0; y < rows; y++) {
        packRow(picture, type, top + y, row);
        filterRow(row, above, step, block.subarray(y * (length + 1), (y + 1) * (length + 1)));
        [row, above] = [above, row];
      }
      await writer.write(block);
      await new Promise((resolve) => setTimeout(resolve));
    }
    await writer.close();
  }

  /* A Blob: grey where the picture is grey, without opacity where it is opaque. */
  async function write(picture) {
    const type = colourType(picture), deflate = new CompressionStream("deflate");
    const packed = new Response(deflate.readable).arrayBuffer();
    await writeRows(picture, type, deflate.writable.getWriter());
    const parts = [Uint8Array.from(SIGNATURE), header(picture, type)];
    parts.push(chunk("IDAT", new Uint8Array(await packed)), chunk("IEND", []));
    return new Blob(parts, { type: "image/png" });
  }

  function chunks(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), found = [];
    for (let at = 8; at + 12 <= bytes.length; ) {
      const length = view.getUint32(at), name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      if (at + 12 + length > bytes.length) throw new Error("the file ends too early");
      found.push({ name, content: bytes.subarray(at + 8, at + 8 + length) });
      if (name === "IEND") break; // some programs write more behind it
      at += 12 + length;
    }
    return found;
  }

  /* {width, height, type} where `read` can read the file; else null, and the browser has to. */
  function readable(found) {
    const first = found[0], isHeader = first && first.name === "IHDR" && first.content.length === 13;
    if (!isHeader || found.some(({ name }) => ["iCCP", "cICP", "gAMA", "eXIf"].includes(name))) return null;
    const view = new DataView(first.content.buffer, first.content.byteOffset, 13);
    const [bits, type, , , interlaced] = first.content.subarray(8);
    const withOpacity = type === GREY_ALPHA || type === RGB_ALPHA;
    if (bits !== 8 || interlaced || !withOpacity) return null;
    return { width: view.getUint32(0), height: view.getUint32(4), type };
  }

  async function inflate(found) {
    const parts = found.filter(({ name }) => name === "IDAT").map(({ content }) => content);
    const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  function unfilterRow(filter, filtered, above, step, row) {
    for (let i = 0; i < row.length; i++) {
      const left = i < step ? 0 : row[i - step], corner = i < step ? 0 : above[i - step];
      const guesses = [0, left, above[i], (left + above[i]) >> 1, filter === PAETH ? paeth(left, above[i], corner) : 0];
      row[i] = filtered[i] + guesses[filter];
    }
  }

  function unpackRow(row, type, data, y, width) {
    for (let x = 0, from = 0, to = 4 * y * width; x < width; x++, to += 4) {
      const colours = CHANNELS[type] - 1;
      for (let channel = 0; channel < 3; channel++) data[to + channel] = row[from + Math.min(channel, colours - 1)];
      data[to + 3] = row[from + colours];
      from += CHANNELS[type];
    }
  }

  /* The picture in an 8-bit PNG with opacity and no colour profile, of at most `largest` pixels, from its bytes; null
     for any other file. */
  async function read(bytes, largest) {
    if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) return null;
    const found = chunks(bytes), size = readable(found);
    if (!size || size.width * size.height > largest) return null;
    const { width, height, type } = size, step = CHANNELS[type], length = step * width;
    const rows = await inflate(found);
    if (rows.length < height * (length + 1)) throw new Error("the file ends too early");
    const data = new Uint8ClampedArray(4 * width * height);
    let row = new Uint8Array(length), above = new Uint8Array(length);
    for (let y = 0; y < height; y++) {
      const start = y * (length + 1);
      unfilterRow(rows[start], rows.subarray(start + 1, start + 1 + length), above, step, row);
      unpackRow(row, type, data, y, width);
      [row, above] = [above, row];
    }
    return { width, height, data };
  }

  window.srganPage.png = { kind, read, write };
})();
