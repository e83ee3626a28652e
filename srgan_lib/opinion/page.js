"use strict";
(() => {
  const PAUSE = 250; // milliseconds of grey, so that no picture is compared with the one before it
  const SCORES = [1, 2, 3, 4, 5];
  const session = JSON.parse(document.getElementById("session").textContent);
  const items = session.items.map(([code, told]) => ({ code, told }));
  const element = (id) => document.getElementById(id);
  const stage = element("stage");

  let done = []; // what lies behind: [code, score or null for an example, seconds]
  let since = null; // when the picture appeared; null while there is none to answer
  let mayTakeBack = true;
  let turn = 0; // counts calls of show, so that a late picture of an earlier one is dropped
  let refused = false; // this browser keeps nothing
  let exported = true;

  // ------------------------------------------------------------------------------------ keeping

  function read() {
    try {
      const probe = session.key + "-probe";
      localStorage.setItem(probe, "1");
      localStorage.removeItem(probe);
      return valid(JSON.parse(localStorage.getItem(session.key) || "[]"));
    } catch (error) {
      refused = !(error instanceof SyntaxError);
      return [];
    }
  }

  // The beginning of what was kept that fits this session: storage can be changed by anybody.
  function valid(kept) {
    if (!Array.isArray(kept)) return [];
    const fits = (entry, item) => Array.isArray(entry) && item !== undefined && entry[0] === item.code
      && (item.told === null ? SCORES.includes(entry[1]) : entry[1] === null)
      && Number.isFinite(entry[2]) && entry[2] >= 0;
    const wrong = kept.findIndex((entry, index) => !fits(entry, items[index]));
    return wrong < 0 ? kept : kept.slice(0, wrong);
  }

  function keep() {
    exported = false;
    try {
      localStorage.setItem(session.key, JSON.stringify(done));
    } catch {
      refused = true;
    }
    warn();
  }

  function warn() {
    element("kept").hidden = refused;
    if (refused) {
      say("This browser keeps no scores for this page. Leave it open until you have saved the file at the end.");
    }
  }

  function say(text) {
    const notice = element("notice");
    if (notice.textContent !== text) notice.textContent = text;
    notice.hidden = false;
  }

  // ----------------------------------------------------------------------------------- pictures

  const ready = new Map(); // number: a picture being decoded or decoded; never more than two

  function picture(number) {
    for (const old of [...ready.keys()]) if (old !== number && old !== number - 1) ready.delete(old);
    if (!ready.has(number)) {
      const { code } = items[number];
      const image = new Image();
      image.alt = "The picture to look at";
      image.src = session.folder
        ? `${session.folder}/${code}.png`
        : `data:image/png;base64,${element(code).textContent}`;
      ready.set(number, image.decode().then(() => image));
    }
    return ready.get(number);
  }

  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  async function show() {
    const number = done.length;
    const call = ++turn;
    since = null;
    stage.setAttribute("aria-busy", "true");
    stage.replaceChildren();
    for (const id of ["back", "last"]) element(id).setAttribute("aria-disabled", String(!canTakeBack()));
    if (number === items.length) return finish();
    part("rating");
    element("bar").max = items.length;
    element("bar").value = number;
    element("place").textContent = `${number + 1} of ${items.length}`;
    element("code").textContent = items[number].code;
    let image;
    try {
      [image] = await Promise.all([picture(number), wait(PAUSE)]);
    } catch {
      if (call === turn) say(`Picture ${items[number].code} cannot be shown. Reload the page, or ask for another copy of it.`);
      return;
    }
    if (call !== turn) return;
    ask(items[number].told);
    stage.replaceChildren(image);
    stage.setAttribute("aria-busy", "false");
    tellSize();
    since = performance.now();
    if (number + 1 < items.length) picture(number + 1).catch(() => {});
  }

  function ask(told) {
    for (const button of element("scores").children) button.classList.remove("given");
    const isExample = told !== null;
    const example = isExample && `An example of ${told} (${session.words[told]})`;
    element("question").textContent = isExample ? example : "How good is this picture?";
    element("told").hidden = !isExample;
    element("scores").hidden = isExample;
    if (document.activeElement === document.body) focus(element("question"));
  }

  function tellSize() {
    const image = stage.firstElementChild;
    if (!image) return;
    const shown = Math.min(1, image.clientWidth / image.naturalWidth, image.clientHeight / image.naturalHeight);
    element("smaller").hidden = shown === 1;
    element("smaller").textContent = `shown at ${Math.floor(100 * shown)} %`;
  }

  // Shown inside another page, this one takes the focus only when it is used.
  function focus(target) {
    if (window.top === window || document.hasFocus()) target.focus({ preventScroll: true });
  }

  function part(name) {
    document.body.dataset.part = name;
    for (const main of document.querySelectorAll("main")) main.hidden = main.id !== name;
  }

  // ------------------------------------------------------------------------------------ answers

  function answer(score) {
    if (since === null) return;
    const { code, told } = items[done.length];
    if ((told === null) !== SCORES.includes(score)) return;
    done.push([code, score, Math.round(performance.now() - since) / 1000]);
    mayTakeBack = true;
    keep();
    if (score !== null) element("scores").children[score - 1].classList.add("given");
    show();
  }

  function canTakeBack() {
    return mayTakeBack && done.length > 0 && done[done.length - 1][1] !== null;
  }

  function takeBack() {
    if (!canTakeBack()) return;
    done.pop();
    mayTakeBack = false; // the last score only: later pictures must not change the earlier scores
    keep();
    show();
  }

  function finish() {
    part("end");
    element("text").value = csv();
    element("name").textContent = fileName();
    focus(document.querySelector("#end h1"));
  }

  // --------------------------------------------------------------------------------------- file

  const quoted = (field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
  const fileName = () => `ratings-${session.rater}.csv`;

  function csv() {
    const rated = done.filter(([, score]) => score !== null);
    const lines = rated.map(([code, score, seconds]) => [quoted(session.rater), code, score, seconds.toFixed(1)].join(","));
    return ["rater,code,score,seconds", ...lines, ""].join("\n");
  }

  function saveFile() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = fileName();
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    exported = true;
    element("saved").textContent = `Saved as ${link.download}, where your browser puts downloads.`;
  }

  function forget() {
    if (!window.confirm("Delete all scores of this page from this browser? A file that you have saved stays.")) return;
    done = [];
    try {
      localStorage.removeItem(session.key);
    } catch {
      // nothing is kept there
    }
    exported = true;
    show();
  }

  // -------------------------------------------------------------------------------------- begin

  for (const score of SCORES) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-keyshortcuts", String(score));
    const number = document.createElement("b");
    const word = document.createElement("span");
    number.textContent = String(score);
    word.textContent = session.words[score];
    button.append(number, " ", word);
    button.addEventListener("click", () => answer(score));
    element("scores").append(button);
  }

  const onClick = { start: show, seen: () => answer(null), back: takeBack, last: takeBack, forget };
  for (const [id, action] of Object.entries(onClick)) element(id).addEventListener("click", action);
  for (const button of document.querySelectorAll(".save")) button.addEventListener("click", saveFile);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (!["rating", "end"].includes(document.body.dataset.part)) return;
    const onControl = event.target.closest("button, summary, textarea");
    if (SCORES.map(String).includes(event.key)) answer(Number(event.key));
    else if (event.key === "Backspace") takeBack();
    else if ([" ", "Enter"].includes(event.key) && !onControl) answer(null);
    else return;
    event.preventDefault();
  });
  window.addEventListener("resize", tellSize);
  window.addEventListener("beforeunload", (event) => {
    if (refused && !exported) event.preventDefault();
  });
  // The same page in another window: both go on from what is kept.
  window.addEventListener("storage", (event) => {
    if (event.key !== session.key) return;
    done = read();
    if (document.body.dataset.part !== "intro" || done.length) show();
  });

  done = read();
  warn();
  const examples = items.filter(({ told }) => told !== null).length;
  const several = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
  element("count").textContent = several(items.length - examples, "picture");
  element("examples").hidden = examples === 0;
  element("examples").textContent = `First: ${several(examples, "example")}, each with its score, to show what a 1 and a 5 look like.`;
  if (done.length) show();
  else {
    part("intro");
    focus(element("start"));
  }
})();
