/* Choosing a part of a photo: a frame of the photo's shape, moved by a drag or the arrow keys, its size set by a
   slider. */
"use strict";

window.srganPage = window.srganPage || {};

(() => {
  const { fits, shrunk } = window.srganPage.photo;
  const SMALLEST = 0.15; // of the largest frame's side
  const KEY_STEP = 0.02; // of the photo's side
  const TALLEST = 380; // CSS pixels

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  class Crop {
    /* `board` holds a canvas and a frame; `size` is a range input of 0 to 100; `onChange` is called with the part. */
    constructor(board, size, onChange) {
      Object.assign(this, { board, size, onChange });
      this.frame = board.querySelector(".live-frame");
      this.canvas = board.querySelector("canvas");
      size.addEventListener("input", () => this.place());
      board.addEventListener("keydown", (event) => this.onKey(event));
      board.addEventListener("pointerdown", (event) => this.onDown(event));
      board.addEventListener("pointermove", (event) => {
        if (board.hasPointerCapture(event.pointerId)) this.onMove(event);
      });
    }

    /* Begin in the middle of `photo`, with the largest frame that `limit`, {pixels, side}, allows. */
    open(photo, limit) {
      this.photo = photo;
      const whole = fits(photo, limit);
      this.largest = whole ? { width: photo.width, height: photo.height } : shrunk(photo, limit);
      this.middle = { x: photo.width / 2, y: photo.height / 2 };
      this.size.value = whole ? 60 : 100;
      const scale = Math.min(1, 1600 / Math.max(photo.width, photo.height));
      this.canvas.width = Math.max(1, Math.round(scale * photo.width));
      this.canvas.height = Math.max(1, Math.round(scale * photo.height));
      this.canvas.getContext("2d").drawImage(photo.bitmap, 0, 0, this.canvas.width, this.canvas.height);
      this.board.style.aspectRatio = `${photo.width} / ${photo.height}`;
      this.board.style.maxWidth = `${(TALLEST * photo.width) / photo.height}px`;
      this.place();
    }

    /* {x, y, width, height} in whole pixels of the photo. */
    get part() {
      const scale = SMALLEST + (1 - SMALLEST) * (this.size.value / 100);
      const width = Math.max(1, Math.floor(scale * this.largest.width));
      const height = Math.max(1, Math.floor(scale * this.largest.height));
      const corner = (middle, side, all) => Math.round(clamp(middle - side / 2, 0, all - side));
      return {
        x: corner(this.middle.x, width, this.photo.width),
        y: corner(this.middle.y, height, this.photo.height),
        width,
        height,
      };
    }

    place() {
      const { x, y, width, height } = this.part, { photo, frame } = this;
      this.middle = { x: x + width / 2, y: y + height / 2 };
      frame.style.left = `${(100 * x) / photo.width}%`;
      frame.style.top = `${(100 * y) / photo.height}%`;
      frame.style.width = `${(100 * width) / photo.width}%`;
      frame.style.height = `${(100 * height) / photo.height}%`;
      this.onChange(this.part);
    }

    moveTo(x, y) {
      this.middle = { x, y };
      this.place();
    }

    onKey(event) {
      const move = MOVES[event.key];
      if (!move) return;
      event.preventDefault();
      event.stopPropagation(); // the theme turns pages with the arrow keys
      const { middle, photo } = this;
      this.moveTo(middle.x + KEY_STEP * move[0] * photo.width, middle.y + KEY_STEP * move[1] * photo.height);
    }

    /* The frame is dragged from where it was touched; elsewhere it comes to the pointer. */
    onDown(event) {
      this.board.setPointerCapture(event.pointerId);
      const at = this.inPhoto(event), onFrame = event.target === this.frame;
      this.grip = onFrame ? { x: at.x - this.middle.x, y: at.y - this.middle.y } : { x: 0, y: 0 };
      this.onMove(event);
    }

    onMove(event) {
      const at = this.inPhoto(event);
      this.moveTo(at.x - this.grip.x, at.y - this.grip.y);
    }

    inPhoto({ clientX, clientY }) {
      const box = this.board.getBoundingClientRect();
      return {
        x: ((clientX - box.left) / box.width) * this.photo.width,
        y: ((clientY - box.top) / box.height) * this.photo.height,
      };
    }
  }

  window.srganPage.Crop = Crop;
})();
