// The list of cases, keys and buttons.
(function () {
  "use strict";
  const ROW = 46, BEYOND = 6;
  const CYCLE = ["", "pass", "fail", "artefact"];
  // Of a font that every system has; SCT's signs are pictures, which not every system can show.
  const MARKS = { "": "", pass: "✓", fail: "✗", artefact: "⚠", "to correct": "✎" };
  const part = id => document.getElementById(id);
  const list = part("list"), rows = part("rows");
  let visible = [], current = null, since = 0;

  // --- The list: only the rows in view are made ---

  const ORDERS = {
    doubt: (a, b) => (b.doubt === null ? -1 : b.doubt) - (a.doubt === null ? -1 : a.doubt),
    name: () => 0,
    verdict: (a, b) => CYCLE.indexOf(Qc.saidOf(b).word) - CYCLE.indexOf(Qc.saidOf(a).word),
    rank: (a, b) => (Qc.saidOf(b).rank ?? -1) - (Qc.saidOf(a).rank ?? -1),
  };
  const collator = new Intl.Collator("en", { numeric: true });
  const byName = Qc.items.slice().sort((a, b) => collator.compare(a.name, b.name)
    || collator.compare(a.entry.inputFile, b.entry.inputFile));

  function choose() {
    const filter = part("filter").value;
    const wanted = part("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    visible = byName.filter(item => {
      const said = Qc.saidOf(item);
      const text = item.text + "\n" + said.comment.toLowerCase();
      return wanted.every(word => text.includes(word))
        && (!filter || (filter === "open" ? !said.word : said.word === filter));
    }).sort(ORDERS[part("sort").value]);
    rows.style.height = visible.length * ROW + "px";
    rows.replaceChildren();
    fill();
  }

  function element(kind, name, text) {
    const made = document.createElement(kind);
    made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function rowOf(item, index) {
    const said = Qc.saidOf(item), row = element("div", "row"), line = element("div", "line");
    row.id = "row-" + index;
    row.style.top = index * ROW + "px";
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", item === current);
    row.dataset.index = index;
    const sign = element("span", "sign", MARKS[said.word]);
    sign.dataset.said = said.word;
    sign.title = said.word;
    line.append(element("span", "name", item.name), sign,
      element("span", "rank", said.rank === null ? "" : said.rank));
    row.append(line, element("div", "why", said.comment || item.reason || item.entry.inputFile));
    if (item.doubt !== null) {
      const bar = element("span", "doubt");
      bar.style.height = Math.round(38 * item.doubt) + "px";
      row.append(bar);
    }
    return row;
  }

  function fill() {
    const first = Math.max(Math.floor(list.scrollTop / ROW) - BEYOND, 0);
    const last = Math.min(first + Math.ceil(list.clientHeight / ROW) + 2 * BEYOND, visible.length);
    rows.replaceChildren(
      ...visible.slice(first, last).map((item, index) => rowOf(item, first + index)));
  }

  function intoView(index) {
    const top = index * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW > list.scrollTop + list.clientHeight) {
      list.scrollTop = top + ROW - list.clientHeight;
    }
  }

  // --- The case in view ---

  function select(item) {
    if (!item) return;
    leave();
    current = item;
    since = Date.now();
    intoView(visible.indexOf(item));
    part("detail").hidden = false;
    part("comment").value = Qc.saidOf(item).comment;
    describe(item);
    Qc.show(item);
    update();
    prepare();
  }

  // What was looked at, until now.
  const elapsed = () => document.hidden || !since ? 0 : (Date.now() - since) / 1000;

  function leave() {
    if (current && part("comment").value.trim() !== Qc.saidOf(current).comment) comment();
  }

  function describe(item) {
    const { entry, view } = item, facts = [entry.dataset, entry.inputFile];
    if (view && entry.mask) facts.push("mask: " + entry.mask);
    if (!view) facts.push(entry.command, entry.date);
    part("name").textContent = item.name;
    part("facts").textContent = Qc.settings.blinded ? "" : facts.join(" · ");
    part("notes").textContent = view && Array.isArray(view.notes) ? view.notes.join(" ") : "";
    const reason = part("reason");
    reason.replaceChildren();
    if (item.doubt !== null) {
      reason.append(element("span", "score", Math.round(100 * item.doubt) + " %"),
        item.reason || "Nothing is doubtful.");
    }
  }

  function update() {
    const said = current ? Qc.saidOf(current) : null;
    if (said) {
      document.querySelectorAll("[data-word]").forEach(button => {
        button.classList.toggle("on", button.dataset.word === said.word);
        button.setAttribute("aria-pressed", button.dataset.word === said.word);
      });
      document.querySelectorAll("[data-rank]").forEach(button => {
        button.classList.toggle("on", Number(button.dataset.rank) === said.rank);
      });
      const others = current.others.filter(one => one.rater !== Qc.rater);
      part("others").textContent = others.map(one => one.rater + ": " + one.verdict
        + (one.comment ? ", “" + one.comment + "”" : "")).join(" · ");
    }
    const words = Qc.items.map(item => Qc.saidOf(item).word);
    const judged = words.filter(Boolean).length;
    const counts = ["fail", "artefact", "to correct"]
      .map(word => [words.filter(one => one === word).length, word]).filter(([n]) => n);
    part("counts").textContent = [judged + " of " + words.length + " judged"]
      .concat(counts.map(([n, word]) => n + " " + word)).join(", ");
    fill();
    list.setAttribute("aria-activedescendant", "row-" + visible.indexOf(current));
  }

  // The pictures of the neighbours, so that they are there at the next key.
  function prepare() {
    const at = visible.indexOf(current);
    setTimeout(() => {
      if (visible[at] !== current) return;
      for (const item of [visible[at + 1], visible[at - 1]].filter(Boolean)) {
        for (const file of [item.entry.backgroundImage, item.entry.overlayImage]) {
          new Image().src = Qc.show.address(file);
        }
      }
    }, 120);
  }

  // --- What the rater does ---

  function judge(changes) {
    if (!current) return;
    const seconds = Math.round(10 * (Qc.saidOf(current).seconds + elapsed())) / 10;
    since = Date.now();
    Qc.say(current, { ...changes, seconds });
    update();
  }

  const setWord = word => judge({ word: Qc.saidOf(current).word === word ? "" : word });
  const comment = () => judge({ comment: part("comment").value.trim() });

  function step(by) {
    const at = visible.indexOf(current);
    // From before the first to the last and the other way round, as on SCT's page.
    if (visible.length) select(visible[at < 0 ? (by > 0 ? 0 : visible.length - 1)
      : (at + by + visible.length) % visible.length]);
  }

  function nextOpen() {
    const at = visible.indexOf(current);
    const rest = visible.slice(at + 1).concat(visible.slice(0, at + 1));
    select(rest.find(item => !Qc.saidOf(item).word));
  }

  function setOutline(shown) {
    document.body.classList.toggle("plain", !shown);
    part("outline").setAttribute("aria-pressed", shown);
    part("outline").textContent = shown ? "Outline" : "No outline";
    if (current) Qc.show(current);
  }

  function toggleSize() {
    if (current) part("fit").textContent = Qc.show.toggleSize() ? "Fit" : "Large";
  }

  const isPlain = () => document.body.classList.contains("plain");
  const KEYS = {
    arrowdown: () => step(1), j: () => step(1), arrowup: () => step(-1), k: () => step(-1),
    arrowright: () => setOutline(isPlain()), arrowleft: () => setOutline(isPlain()),
    f: () => {
      if (current) {
        const at = CYCLE.indexOf(Qc.saidOf(current).word);
        judge({ word: at < 0 ? "" : CYCLE[(at + 1) % CYCLE.length] });
      }
    },
    t: () => current && setWord("to correct"),
    d: toggleSize, n: nextOpen,
    c: () => part("comment").focus(),
    "/": () => { part("search").focus(); part("search").select(); },
    delete: () => judge({ rank: null }), backspace: () => judge({ rank: null }),
    escape: () => { part("large").hidden = true; },
  };

  document.addEventListener("keydown", event => {
    const field = event.target.closest && event.target.closest("input, textarea, select");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && key === "k") {
      KEYS["/"]();
    } else if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    } else if (field) {
      if (key !== "escape" && !(key === "enter" && field.tagName === "INPUT")) return;
      field.blur();
      if (field.id === "search" && key === "enter") step(visible.includes(current) ? 0 : 1);
    } else if (/^[0-9]$/.test(key)) {
      judge({ rank: Number(key) });
    } else if (key in KEYS) {
      KEYS[key]();
    } else {
      return;
    }
    event.preventDefault();
  });

  rows.addEventListener("click", event => {
    const row = event.target.closest(".row");
    if (row) select(visible[Number(row.dataset.index)]);
  });
  list.addEventListener("scroll", () => requestAnimationFrame(fill), { passive: true });
  document.querySelectorAll("[data-word]").forEach(button =>
    button.addEventListener("click", () => { setWord(button.dataset.word); button.blur(); }));
  document.querySelectorAll("[data-rank]").forEach(button =>
    button.addEventListener("click", () => {
      const rank = Number(button.dataset.rank);
      judge({ rank: Qc.saidOf(current).rank === rank ? null : rank });
      button.blur();
    }));
  part("comment").addEventListener("change", comment);
  part("outline").addEventListener("click", () => { setOutline(isPlain()); part("outline").blur(); });
  part("fit").addEventListener("click", () => { toggleSize(); part("fit").blur(); });
  part("keys-button").addEventListener("click", () => {
    part("keys").hidden = !part("keys").hidden;
    part("keys-button").setAttribute("aria-expanded", !part("keys").hidden);
    part("keys-button").blur();
  });
  part("save-all").addEventListener("click", () => { leave(); Qc.files.saveAll(); });
  part("save-fails").addEventListener("click", () => Qc.files.saveFails());
  part("save-artifacts").addEventListener("click", () => Qc.files.saveArtifacts());
  part("upload").addEventListener("change", async event => {
    for (const file of event.target.files) part("said").textContent = await Qc.files.upload(file);
    event.target.value = "";
    part("rater").value = Qc.rater;
    choose();
    if (current) part("comment").value = Qc.saidOf(current).comment;
    update();
  });
  part("rater").value = Qc.rater;
  part("rater").addEventListener("change", () => {
    Qc.setRater(part("rater").value);
    part("rater").value = Qc.rater;
    if (current) part("comment").value = Qc.saidOf(current).comment;
    choose();
    update();
  });
  ["filter", "sort"].forEach(id => part(id).addEventListener("change", event => {
    choose();
    event.target.blur();
  }));
  part("search").addEventListener("input", choose);
  window.addEventListener("storage", update);
  window.addEventListener("resize", fill);
  window.addEventListener("pagehide", leave);

  choose();
  update();
  if (visible.length) select(visible[0]);
})();
