// Judging ground truths on a page opened from disk.
//
// Rows are elements with data-image (the file's name) and data-mask (a digest of its mask). The
// browser stores a verdict under both: it holds wherever the page lies and however often the page
// is written again, until the mask changes.
(function () {
  "use strict";
  const VERDICTS = ["", "pass", "fail", "artifact"];
  const REASONS = { fail: "failed QC", artifact: "artifact" };
  const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };
  const rows = Array.from(document.querySelectorAll("[data-image]"));
  const pane = document.getElementById("pane");
  const unsaved = {};  // verdicts by key, where the browser stores nothing
  let focus = -1;

  const keyOf = row => "softcord verdict " + row.dataset.image + " " + row.dataset.mask;

  function verdictOf(row) {
    const key = keyOf(row);
    if (key in unsaved) return unsaved[key];
    try {
      const stored = localStorage.getItem(key);
      return VERDICTS.includes(stored) ? stored : "";
    } catch (denied) {
      return "";
    }
  }

  function judge(row, verdict) {
    try {
      if (verdict) localStorage.setItem(keyOf(row), verdict);
      else localStorage.removeItem(keyOf(row));
    } catch (denied) {
      unsaved[keyOf(row)] = verdict;
      document.getElementById("unsaved").hidden = false;
    }
    show();
  }

  function next(row) {
    judge(row, VERDICTS[(VERDICTS.indexOf(verdictOf(row)) + 1) % VERDICTS.length]);
  }

  function counts() {
    const count = verdict => rows.filter(row => verdictOf(row) === verdict).length;
    const judged = VERDICTS.slice(1).map(verdict => count(verdict) + " " + verdict);
    return judged.concat(count("") + " not judged").join(", ");
  }

  function show() {
    rows.forEach((row, index) => {
      const button = row.querySelector("button.verdict");
      row.dataset.verdict = verdictOf(row);
      row.classList.toggle("focus", index === focus);
      button.textContent = verdictOf(row) || "not judged";
    });
    document.getElementById("counts").textContent = counts();
  }

  function look(index) {
    focus = Math.max(0, Math.min(rows.length - 1, index));
    const row = rows[focus];
    show();
    if (pane) {
      document.body.classList.add("looking");
      // Not by its src, which would fill the browser's history.
      pane.contentWindow.location.replace(new URL(row.dataset.page, location.href).href);
    }
    row.scrollIntoView({ block: pane ? "nearest" : "start" });
  }

  function press(key) {
    const letter = key.length === 1 ? key.toLowerCase() : key;
    if (letter === "Escape") document.body.classList.remove("looking");
    if (!rows.length || !(letter === "f" || letter in STEPS)) return false;
    if (focus < 0) look(0);
    else if (letter === "f") next(rows[focus]);
    else look(focus + STEPS[letter]);
    return true;
  }

  function yaml() {
    const listed = rows.filter(row => verdictOf(row) in REASONS);
    const quoted = name => /^[A-Za-z][A-Za-z0-9_.-]*$/.test(name) ? name : JSON.stringify(name);
    const line = row => "- " + quoted(row.dataset.image) + "  # " + REASONS[verdictOf(row)];
    const lines = listed.map(line).sort();
    return ["# Quality control of soft ground truths: " + counts() + "."]
      .concat(lines.length ? ["FILES_SEG:"].concat(lines) : ["FILES_SEG: []"]).join("\n") + "\n";
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([yaml()], { type: "application/yaml" }));
    link.download = "qc_fail.yml";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  rows.forEach((row, index) => {
    const button = row.querySelector("button.verdict");
    button.addEventListener("click", () => { look(index); next(row); button.blur(); });
    if (pane) {
      row.addEventListener("click", event => {
        if (!event.target.closest("a, button")) look(index);
      });
    }
  });
  document.getElementById("save").addEventListener("click", save);
  document.addEventListener("keydown", event => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && press(event.key)) event.preventDefault();
  });
  // The pane is a page of its own to the browser: what is pressed in there is passed on.
  window.addEventListener("message", event => {
    const pressed = pane && event.source === pane.contentWindow && event.data && event.data.pressed;
    if (typeof pressed === "string") press(pressed);
  });
  window.addEventListener("storage", show);
  show();
})();
