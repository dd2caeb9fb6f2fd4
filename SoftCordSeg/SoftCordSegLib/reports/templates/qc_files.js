// Files in and out, as SCT's page writes and reads them: qc_report.json, qc_fail.yml,
// qc_artifact.yml.
Qc.files = (function () {
  "use strict";
  // Files of other kinds than masks of the cord, by the program that made them.
  const KINDS = {
    sct_analyze_lesion: "FILES_LESION", sct_deepseg_lesion: "FILES_LESION",
    sct_deepseg_gm: "FILES_GMSEG", sct_detect_pmj: "FILES_PMJ",
    sct_dmri_moco: "FILES_TIMESERIES", sct_fmri_moco: "FILES_TIMESERIES",
    sct_image_stitch: "FILES_REG", sct_register_multimodal: "FILES_REG",
    sct_register_to_template: "FILES_REG", sct_warp_template: "FILES_REG",
    sct_label_utils: "FILES_LABEL", sct_label_vertebrae: "FILES_LABEL",
  };
  const extras = new Map();  // what else an uploaded file says of an entry, by its key
  let elsewhere = [];        // entries of an uploaded file that are not on this page
  let tableState = null;     // of SCT's page

  async function idOf(entry) {
    if (entry.id) return entry.id;
    const text = new TextEncoder().encode(entry.path + ":" + entry.cmdline + ":" + entry.date);
    const digest = await crypto.subtle.digest("SHA-1", text);
    const hex = byte => byte.toString(16).padStart(2, "0");
    return Array.from(new Uint8Array(digest), hex).join("");
  }

  async function report() {
    const datasets = await Promise.all(Qc.items.map(async item => {
      const said = Qc.saidOf(item);
      const { [Qc.settings.view]: view, ...entry } = item.entry;
      const judged = said.word || said.rank !== null || said.comment;
      const sign = Qc.signOf(said.word);
      return {
        ...extras.get(item.key), ...entry, id: await idOf(entry),
        rank: said.rank, qc: sign, verdict: said.word, comment: said.comment,
        rater: judged ? Qc.rater : "", seconds: said.seconds, when: said.when,
        // By which it is seen whether SCT's page has changed it since.
        judged: sign + (said.rank === null ? "" : said.rank),
      };
    }));
    const content = { datasets: datasets.concat(elsewhere) };
    if (tableState !== null) content.tableState = tableState;
    return JSON.stringify(content);
  }

  const plain = text => /^[A-Za-z0-9_][A-Za-z0-9_./-]*$/.test(text) && !/^[0-9.]+$/.test(text);

  function yaml(sign) {
    const lists = {};
    for (const item of Qc.items) {
      if (Qc.signOf(Qc.saidOf(item).word) !== sign) continue;
      const { path, inputFile, command } = item.entry;
      const kind = KINDS[command] || "FILES_SEG";
      const name = path === "." ? inputFile : path + "/" + inputFile;
      (lists[kind] = lists[kind] || new Set()).add(plain(name) ? name : JSON.stringify(name));
    }
    const lines = Object.entries(lists).flatMap(
      ([kind, names]) => [kind + ":"].concat(Array.from(names, name => "    - " + name)));
    return (lines.length ? lines : ["# No rows matched"]).join("\n") + "\n";
  }

  function save(name, text, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function matching(dataset) {
    const { id, path, cmdline, date } = dataset;
    const same = item => item.entry.path === path && item.entry.cmdline === cmdline
      && item.entry.date === date;
    return Qc.items.find(item => id && item.entry.id === id) || Qc.items.find(same)
      || Qc.items.find(item => dataset.case && item.view && item.entry.case === dataset.case
        && item.entry.mask === dataset.mask);
  }

  function take(dataset, count) {
    const item = matching(dataset);
    if (!item) {
      elsewhere.push(dataset);
      count.elsewhere += 1;
      return;
    }
    extras.set(item.key, dataset);
    const word = Qc.wordOf(dataset), rank = typeof dataset.rank === "string" && dataset.rank
      ? Number(dataset.rank) : dataset.rank;
    const comment = typeof dataset.comment === "string" ? dataset.comment : "";
    if (!word && !Qc.isRank(rank) && !comment) return;
    const digest = item.entry.mask_sha256;
    if (dataset.mask_sha256 && digest && dataset.mask_sha256 !== digest) {
      count.earlier += 1;
      return;
    }
    const who = typeof dataset.rater === "string" && dataset.rater || Qc.rater;
    const said = { word, rank, comment, seconds: dataset.seconds };
    if (typeof dataset.when === "string" && dataset.when) said.when = dataset.when;
    Qc.say(item, said, who);
    count.read += 1;
    count.raters.add(who);
  }

  function takeReport(content) {
    if (!content || !Array.isArray(content.datasets)) throw new Error("no list of entries");
    const count = { read: 0, earlier: 0, elsewhere: 0, raters: new Set() };
    elsewhere = [];
    if (content.tableState) tableState = content.tableState;
    content.datasets.filter(one => one && typeof one === "object")
      .forEach(one => take(one, count));
    if (!Qc.rater && count.raters.size === 1) Qc.setRater([...count.raters][0]);
    return sentence(count);
  }

  function takeYaml(text, name) {
    const sign = /arte?i?fact/i.test(name) ? "artefact" : "fail";
    const count = { read: 0, earlier: 0, elsewhere: 0, raters: new Set() };
    for (const line of text.split(/\r?\n/)) {
      const found = line.match(/^\s*-\s+(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^#]+?))\s*(?:#.*)?$/);
      if (!found) continue;
      const listed = found[1] !== undefined ? JSON.parse('"' + found[1] + '"')
        : found[2] !== undefined ? found[2] : found[3];
      const names = item => [item.entry.inputFile, item.entry.path + "/" + item.entry.inputFile];
      const items = Qc.items.filter(item => names(item).includes(listed)
        || listed.endsWith("/" + names(item)[1]));
      if (items.length === 1) {
        Qc.say(items[0], { word: sign });
        count.read += 1;
      } else {
        count.elsewhere += 1;
      }
    }
    return sentence(count);
  }

  function sentence(count) {
    const parts = [count.read + (count.read === 1 ? " verdict" : " verdicts") + " read"];
    if (count.raters.size) {
      const names = [...count.raters].filter(name => name && name !== Qc.rater);
      if (names.length) parts.push("of " + names.join(", "));
    }
    if (count.earlier) parts.push(count.earlier + " of masks that have changed since, left out");
    if (count.elsewhere) parts.push(count.elsewhere + " of cases that are not on this page");
    return parts.join("; ") + ".";
  }

  async function upload(file) {
    try {
      const text = await file.text();
      return /\.ya?ml$/i.test(file.name) ? takeYaml(text, file.name) : takeReport(JSON.parse(text));
    } catch (broken) {
      return "This file cannot be read. Give qc_report.json, qc_fail.yml or qc_artifact.yml.";
    }
  }

  return {
    upload,
    async saveAll() { save(Qc.settings.report, await report(), "application/json"); },
    saveFails() { save("qc_fail.yml", yaml(Qc.settings.signs.fail), "text/plain"); },
    saveArtifacts() { save("qc_artifact.yml", yaml(Qc.settings.signs.artefact), "text/plain"); },
  };
})();
