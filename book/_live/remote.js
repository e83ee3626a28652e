// Files that come as scripts, and Web Workers whose answers are promises; engine.js builds on them.
//
// A page opened from a file may not fetch files and may start no worker from one, but it may load scripts: so
// each heavy file is a script that hands its content, a text, to srganLive.receive, and a worker is started from
// the text of its source.

const srganRemote = (() => {
  const folder = document.currentScript.src.replace(/[^/]*$/, "");
  const asked = new Map(); // name -> promise of the content
  const received = new Map();

  function file(name) {
    if (!asked.has(name)) {
      asked.set(name, load(name));
      asked.get(name).catch(() => asked.delete(name));
    }
    return asked.get(name);
  }

  function load(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${folder}${name}.js`;
      script.onload = () => resolve(received.get(name));
      script.onerror = () => reject(new Error(`${name}.js could not be loaded; reload the page.`));
      document.head.append(script);
    });
  }

  // The text of a file that was gzipped.
  async function text(name) {
    const bytes = Uint8Array.from(atob(await file(name)), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  // A Web Worker whose answers are promises.
  class Remote {
    constructor(source) {
      this.address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      this.worker = new Worker(this.address);
      this.waiting = new Map();
      this.count = 0;
      this.worker.onmessage = ({ data }) => this.hear(data);
      this.worker.onerror = (event) => this.stop(new Error(event.message || "The worker could not be started."));
    }

    ask(task, details, onProgress) {
      if (this.stopped) return Promise.reject(this.stopped);
      const id = ++this.count;
      return new Promise((resolve, reject) => {
        this.waiting.set(id, { resolve, reject, onProgress });
        this.worker.postMessage({ id, task, ...details });
      });
    }

    hear({ id, done, failed, progress }) {
      const asked = this.waiting.get(id);
      if (progress !== undefined) {
        if (asked && asked.onProgress) asked.onProgress(progress);
        return;
      }
      this.waiting.delete(id);
      if (failed !== undefined) asked.reject(new Error(failed));
      else asked.resolve(done);
    }

    stop(reason) {
      this.stopped = reason;
      this.worker.terminate();
      URL.revokeObjectURL(this.address);
      for (const { reject } of this.waiting.values()) reject(reason);
      this.waiting.clear();
    }
  }

  return { file, text, Remote, receive: (name, content) => received.set(name, content) };
})();
