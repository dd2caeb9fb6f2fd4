// The pictures of one case: a sagittal view, the area along the cord at the same height, and
// slices, cut out of the two pictures that SCT's page lays over one another.
Qc.show = (function () {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const CURVE = 170, CAPTION = 16, GAP = 2, LARGE_TILE = 176, LEAST_TILE = 68, ZOOMED = 420;
  const WITH_UNIT = 100;  // tiles of at least this width have room for it
  const SHARES = [0.26, 0.22, 0.18];  // of the width that the sagittal view may take
  const LEAST_COHORT = 3;
  const part = id => document.getElementById(id);
  let item = null, large = false, here = null;

  // Every character that means something in an address is written by its number, and "./" keeps
  // a name such as "javascript:x" a name.
  function address(file) {
    try {
      return "./" + file.split("/").map(encodeURIComponent).join("/");
    } catch (broken) {  // half a character of a name that is no text
      return "./";
    }
  }

  const shapes = Qc.items.map(one => ({ item: one, levels: levelMeans(one.view) }));

  // Mean area of each level, mm²; of a case without levels, of the whole cord.
  function levelMeans(view) {
    const means = new Map();
    if (!view || !Array.isArray(view.areas)) return means;
    const mean = list => list.reduce((sum, one) => sum + one, 0) / list.length;
    const known = view.areas.filter(area => area !== null);
    if (known.length) means.set("", mean(known));
    for (const [name, first, last] of view.levels || []) {
      const areas = view.areas.slice(first - view.first, last - view.first + 1)
        .filter(area => area !== null);
      if (areas.length) means.set(name, mean(areas));
    }
    return means;
  }

  // The middle 80 % of the other cases: of the same contrast where they are enough.
  function cohort(level) {
    const others = shapes.filter(one => one.item !== item && one.levels.has(level));
    const alike = others.filter(one => one.item.entry.contrast === item.entry.contrast);
    const used = alike.length >= LEAST_COHORT ? alike : others;
    if (used.length < LEAST_COHORT) return null;
    const values = used.map(one => one.levels.get(level)).sort((a, b) => a - b);
    const at = share => {
      const place = share * (values.length - 1), low = Math.floor(place);
      const high = Math.min(low + 1, values.length - 1);
      return values[low] + (place - low) * (values[high] - values[low]);
    };
    return { low: at(0.1), middle: at(0.5), high: at(0.9), count: used.length,
      alike: used === alike };
  }

  function paint(element, scale, x, y, width, height) {
    const { backgroundImage, overlayImage } = item.entry, view = item.view;
    const files = [overlayImage, backgroundImage].map(file => 'url("' + address(file) + '")');
    const plain = document.body.classList.contains("plain");
    Object.assign(element.style, {
      width: width * scale + "px",
      height: height * scale + "px",
      backgroundImage: plain ? files[1] : files.join(", "),
      backgroundSize: view.width * scale + "px " + view.height * scale + "px",
      backgroundPosition: -x * scale + "px " + -y * scale + "px",
    });
  }

  const levelAt = number => {
    const found = (item.view.levels || []).find(one => one[1] <= number && number <= one[2]);
    return found ? found[0] : "";
  };
  const areaAt = number => {
    const area = (item.view.areas || [])[number - item.view.first];
    return area === undefined ? null : area;
  };
  const words = (number, unit) => {
    const area = areaAt(number);
    return [String(number), levelAt(number), area === null ? "" : area.toFixed(0) + unit]
      .filter(Boolean).join("  ");
  };

  // The largest edge at which all tiles stand in the room; 0 where they would be too small.
  function tileEdge(count, width, height) {
    for (let edge = 220; edge >= LEAST_TILE; edge -= 2) {
      const columns = Math.floor((width + GAP) / (edge + GAP));
      if (columns && Math.ceil(count / columns) * (edge + CAPTION + GAP) <= height) return edge;
    }
    return 0;
  }

  // Pixels of the window a pixel of the sagittal view, and edge of the tiles: the sagittal view
  // makes room for them.
  function sizes(width, height) {
    const [, , w, h] = item.view.sagittal;
    let scale, edge;
    for (const share of SHARES) {
      scale = Math.min(height / h, share * width / w);
      edge = tileEdge(item.view.tiles.length, width - w * scale - CURVE - 12, height);
      if (edge || large) break;
    }
    return [scale, large ? LARGE_TILE : edge || LEAST_TILE];
  }

  // From the pictures' upper edge to the lower edge of the window, but for the legend.
  function roomLeft() {
    const pane = part("detail"), above = part("pictures").offsetTop - pane.offsetTop;
    return Math.max(pane.clientHeight - above - part("legend").offsetHeight - 22, 320);
  }

  function layOut() {
    const view = item.view, room = part("pictures");
    const bands = bandsOf(view);
    part("legend").textContent = legend(bands);  // before the room is measured
    const width = room.clientWidth, height = roomLeft();
    const [x, y, w, h] = view.sagittal;
    const [scale, edge] = sizes(width, height);
    const side = part("sagittal");
    paint(side, scale, x, y, w, h);
    drawCurve(Math.round(h * scale), bands);
    const tiles = part("tiles");
    if (tiles.childElementCount !== view.tiles.length) {
      tiles.replaceChildren(...view.tiles.map(([number]) => tile(number)));
    }
    view.tiles.forEach(([number, tileX, tileY], index) => {
      const element = tiles.children[index];
      element.style.width = edge + "px";
      element.lastChild.textContent = words(number, edge < WITH_UNIT ? "" : " mm²");
      element.classList.toggle("marked", number === view.worst);
      element.classList.toggle("here", number === here);
      paint(element.firstChild, edge / view.tile, tileX, tileY, view.tile, view.tile);
    });
    drawHere();
    zoom(part("large").hidden ? null : here);
  }

  function tile(number) {
    const element = document.createElement("div"), picture = document.createElement("div");
    const caption = document.createElement("div");
    element.className = "tile";
    element.dataset.slice = number;
    picture.className = "picture";
    caption.className = "caption";
    element.append(picture, caption);
    return element;
  }

  function zoom(number) {
    const box = part("large"), found = item.view.tiles.find(one => one[0] === number);
    box.hidden = !found;
    if (!found) return;
    const picture = document.createElement("div"), caption = document.createElement("div");
    picture.className = "picture";
    caption.textContent = words(number, " mm²");
    paint(picture, ZOOMED / item.view.tile, found[1], found[2], item.view.tile, item.view.tile);
    box.replaceChildren(picture, caption);
  }

  function make(name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // Slices as heights of the sagittal view: their middle.
  function heights(height) {
    const [, , , , top, bottom] = item.view.sagittal;
    return number => (top - number) / (top - bottom) * height;
  }

  // Levels with the cohort in them; without levels all slices are one.
  function bandsOf(view) {
    const areas = view.areas || [], whole = [["", view.first, view.first + areas.length - 1]];
    const stretches = (view.levels || []).length ? view.levels : areas.length ? whole : [];
    return stretches.map(([name, first, last]) => ({ name, first, last, cohort: cohort(name) }));
  }

  function drawCurve(height, bands) {
    const view = item.view, svg = part("curve"), areas = view.areas || [];
    const y = heights(height), known = areas.filter(area => area !== null);
    svg.setAttribute("viewBox", "0 0 " + CURVE + " " + height);
    svg.style.height = height + "px";
    const most = Math.max(100, ...known, ...bands.map(band => band.cohort ? band.cohort.high : 0));
    const end = Math.ceil(most / 20) * 20, x = area => 6 + area / end * (CURVE - 34);
    const drawn = [];
    bands.forEach((band, index) => {
      const top = y(band.last + 0.5), bottom = y(band.first - 0.5);
      const size = { y: top, height: Math.max(bottom - top, 0) };
      if (index % 2) drawn.push(make("rect", { class: "band", x: 0, width: CURVE, ...size }));
      if (band.cohort) {
        const { low, middle, high } = band.cohort;
        drawn.push(make("rect", { class: "cohort", x: x(low), width: x(high) - x(low), ...size }));
        drawn.push(make("line", { class: "median", x1: x(middle), x2: x(middle), y1: top,
          y2: bottom }));
      }
      const middle = (top + bottom) / 2 + 4;
      drawn.push(make("text", { x: CURVE - 3, y: middle, "text-anchor": "end" }, band.name));
    });
    for (let area = 0; area <= end; area += end > 160 ? 80 : 40) {
      drawn.push(make("line", { class: "tick", x1: x(area), x2: x(area), y1: 0, y2: height }));
      drawn.push(make("text", { x: x(area) + 2, y: height - 3 }, area));
    }
    let path = "";
    areas.forEach((area, index) => {
      const begins = index === 0 || areas[index - 1] === null;
      if (area !== null) path += (begins ? "M" : "L") + x(area) + " " + y(view.first + index);
    });
    drawn.push(make("path", { class: "own", d: path }));
    if (view.worst !== null) {
      const at = y(view.worst);
      drawn.push(make("line", { class: "marked", x1: 0, x2: CURVE - 26, y1: at, y2: at }));
    }
    svg.replaceChildren(...drawn);
    svg.scale = { x, y, height };
  }

  function legend(bands) {
    const parts = ["Outline at .5, thin at .25 and .75."];
    const levels = bands.some(band => band.name);
    if (bands.length) {
      parts.push("Curve: area, mm².", "Below each slice: number, "
        + (levels ? "level, area." : "area."));
    }
    const shown = bands.filter(band => band.cohort);
    if (shown.length) {
      const most = Math.max(...shown.map(band => band.cohort.count));
      const alike = shown.every(band => band.cohort.alike);
      const kind = alike && !Qc.settings.blinded ? " with " + item.entry.contrast : "";
      parts.push("Grey: the middle 80 % of " + most + " other cases" + kind
        + (shown[0].name ? ", by level." : "."));
    }
    if (item.view.worst !== null) parts.push("Blue: look here first.");
    return parts.join(" ");
  }

  function drawHere() {
    const svg = part("curve"), side = part("sagittal");
    svg.querySelectorAll(".here, .value").forEach(element => element.remove());
    side.replaceChildren();
    if (here === null || !svg.scale) return;
    const at = svg.scale.y(here), area = areaAt(here);
    const line = document.createElement("div");
    line.className = "line-here";
    line.style.top = at + "px";
    side.append(line);
    svg.append(make("line", { class: "here", x1: 0, x2: CURVE, y1: at, y2: at }));
    if (area !== null) {
      const y = Math.max(at - 5, 11);
      svg.append(make("text", { class: "value", x: svg.scale.x(area) + 5, y }, area.toFixed(1)));
    }
  }

  function point(number) {
    here = number;
    Array.from(part("tiles").children).forEach(element =>
      element.classList.toggle("here", Number(element.dataset.slice) === number));
    drawHere();
  }

  function whole() {
    const box = part("whole");
    const pictures = item.view ? [] : [item.entry.backgroundImage, item.entry.overlayImage];
    box.replaceChildren(...pictures.map(file => {
      const picture = document.createElement("img");
      picture.src = address(file);
      picture.alt = "";
      return picture;
    }));
  }

  function show(shown) {
    if (shown !== item) {
      item = shown;
      here = null;
      part("large").hidden = true;
      part("tiles").replaceChildren();
    }
    const cut = Boolean(item.view && Array.isArray(item.view.tiles));
    ["sagittal", "curve", "tiles"].forEach(id => part(id).style.display = cut ? "" : "none");
    whole();
    if (cut) layOut();
    else part("legend").textContent = "";
  }

  part("tiles").addEventListener("click", event => {
    const found = event.target.closest(".tile");
    if (!found) return;
    const number = Number(found.dataset.slice);
    const again = !part("large").hidden && here === number;
    point(number);
    zoom(again ? null : number);
  });
  part("tiles").addEventListener("mouseover", event => {
    const found = event.target.closest(".tile");
    if (found && part("large").hidden) point(Number(found.dataset.slice));
  });
  part("large").addEventListener("click", () => { part("large").hidden = true; });
  part("pictures").addEventListener("mousemove", event => {
    if (!event.target.closest("#sagittal, #curve") || !item.view) return;
    const { scale } = part("curve"), box = part("curve").getBoundingClientRect();
    const [, , , , top, bottom] = item.view.sagittal;
    const wanted = top - (event.clientY - box.top) / scale.height * (top - bottom);
    const numbers = item.view.tiles.map(one => one[0]);
    point(numbers.reduce((best, one) =>
      Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best));
  });
  new ResizeObserver(() => { if (item && item.view) show(item); }).observe(part("detail"));

  show.address = address;
  show.toggleSize = () => { large = !large; show(item); return large; };
  return show;
})();
