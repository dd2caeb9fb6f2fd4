// Entries of the page, and what the rater says of each.
//
// The browser stores a verdict under the rater, the case and the digest of its mask: it holds
// wherever the page lies and however often it is made again, until the mask changes.
const Qc = (function () {
  "use strict";
  const parsed = id => JSON.parse(document.getElementById(id).textContent);
  const settings = parsed("settings");
  const NOTHING = { word: "", rank: null, comment: "", seconds: 0, when: "" };
  const RATER = "softcord qc rater";
  const unsaved = {};  // by key, where the browser stores nothing
  let rater = "";

  const items = parsed("entries").map(entry => {
    const view = entry[settings.view] || null;
    const own = view && view.id ? view.id + "|" + (entry.mask_sha256 || "") : "";
    const about = [entry.subject, entry.contrast, entry.inputFile, entry.path, entry.command];
    const name = entry.subject + (settings.blinded ? "" : " · " + entry.contrast);
    return {
      entry, view, name,
      key: own || [entry.path, entry.cmdline, entry.date].join(":"),
      doubt: view && typeof view.doubt === "number" ? view.doubt : null,
      reason: view && view.reason || "",
      text: about.concat(view && view.reason || "").join("\n").toLowerCase(),
      others: view && Array.isArray(view.verdicts) ? view.verdicts : [],
    };
  });

  const store = {
    get(name) {
      if (name in unsaved) return unsaved[name];
      try {
        return localStorage.getItem(name);
      } catch (denied) {
        return null;
      }
    },
    set(name, value) {
      try {
        localStorage.setItem(name, value);
        delete unsaved[name];
      } catch (denied) {
        unsaved[name] = value;
        document.getElementById("unsaved").hidden = false;
      }
    },
  };

  const keyOf = (item, who) => "softcord qc|" + who + "|" + item.key;
  const isRank = value => Number.isInteger(value) && value >= 0 && value <= 9;

  // What was stored, by this page or by whatever else writes there: only what is valid.
  function checked(said) {
    return {
      word: typeof said.word === "string" && said.word in settings.signs ? said.word : "",
      rank: isRank(said.rank) ? said.rank : null,
      comment: typeof said.comment === "string" ? said.comment : "",
      seconds: typeof said.seconds === "number" && said.seconds >= 0 ? said.seconds : 0,
      when: typeof said.when === "string" ? said.when : "",
    };
  }

  // What this rater said of this mask in Slicer or elsewhere, when the page was made.
  function earlier(item, who) {
    const said = who && item.others.find(one => one.rater === who);
    return said ? checked({ ...said, word: said.verdict }) : NOTHING;
  }

  function saidOf(item, who = rater) {
    try {
      const said = JSON.parse(store.get(keyOf(item, who)));
      if (said && typeof said === "object") return checked(said);
    } catch (broken) { /* as if nothing were stored */ }
    return earlier(item, who);
  }

  function say(item, changes, who = rater) {
    const said = { ...saidOf(item, who), when: new Date().toISOString(), ...changes };
    store.set(keyOf(item, who), JSON.stringify(checked(said)));
  }

  function setRater(name) {
    rater = name.normalize("NFC").trim().replace(/\s+/g, " ");
    store.set(RATER, rater);
  }

  // The sign counts, for SCT's page knows no other; the word tells "fail" from "to correct".
  function wordOf(dataset) {
    if (dataset.verdict in settings.signs && settings.signs[dataset.verdict] === dataset.qc) {
      return dataset.verdict;
    }
    return Object.keys(settings.signs).find(word => settings.signs[word] === dataset.qc) || "";
  }

  setRater(settings.rater || store.get(RATER) || "");
  return {
    items, settings, saidOf, say, setRater, wordOf, isRank,
    signOf: word => word ? settings.signs[word] : "",
    get rater() { return rater; },
  };
})();
