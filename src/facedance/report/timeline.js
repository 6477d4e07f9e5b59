// ---- Time lines: the scores of a long render by second, with marks where its windows meet ---------------------------------

// name, heading, what it is, how it is written, the least that the whole height stands for, whether lower is better
const LANES = [
  ["recognised_rate", "Recognised", "share of the second's scored frames that are recognised; paler: that have a face", share, 1],
  ["identity_distance", "Distance", "mean distance to the target", digits(3), 1, "low"],
  ["pose_pck", "PCK@0.2", "share of the driving pose's joints that were found in place", digits(3), 1],
  ["background_shift", "Background", "grey levels by which its mean colour is off the first second's", digits(1), 5, "low"],
  ["clothes_hue_shift", "Clothes, °", "degrees by which their hue is off the first second's", digits(0), 20, "low"],
  ["change", "Change", "largest change between successive frames, in grey levels", digits(1), 5, "low"],
];
const LANE = 24; // height in units of the picture, which is as many units wide as there are frames
const BOTTOM = LANE * LANES.length; // of the lanes; the marks of the seams stand below
const MARK = 8;

function timeline(row) {
  const whose = row.who === row.identity ? row.variant : `${row.variant}, ${row.who}`;
  const strip = svg("svg", { viewBox: `0 0 ${row.frames} ${BOTTOM + MARK}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `Scores of ${whose} by second: ${LANES.map((lane) => spoken(lane, row.seconds)).join(", ")}` });
  const values = LANES.map(() => make("span", { class: "number" }));
  LANES.forEach(([key, , , , least, better], lane) => {
    const top = Math.max(least, ...row.seconds.map((second) => second[key] ?? 0));
    strip.append(svg("line", { class: "grid", x1: 0, x2: row.frames, y1: LANE * (lane + 1), y2: LANE * (lane + 1) }));
    if (key === "recognised_rate") strip.append(bars(row, lane, "face_detected_rate", top, "pale"));
    strip.append(bars(row, lane, key, top, better ?? "high"));
  });
  const upright = (at, kind, from) => svg("line", { class: kind, x1: at, x2: at, y1: from, y2: BOTTOM + MARK });
  const cursor = upright(0, "cursor", 0);
  strip.append(...row.seams.map((seam) => upright(seam, "seam", BOTTOM + 1)), cursor);
  strip.onclick = (event) => {
    const { left, width } = strip.getBoundingClientRect();
    setPlaying(false);
    seek(Math.floor(row.frames * (event.clientX - left) / width));
  };
  const show = (index) => {
    const at = Math.min(index, row.frames - 1);
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, at + 0.5);
    const second = row.seconds[Math.min(Math.floor(at / data.fps), row.seconds.length - 1)];
    values.forEach((value, lane) => {
      const [key, , , format] = LANES[lane];
      value.replaceChildren(written(second[key], format, "nothing to measure in this second"));
    });
  };
  const names = LANES.map(([, title, hint]) => make("span", { title: hint }, title));
  const picture = make("div", { class: "lanes" }, strip, ...names.flatMap((name, lane) => [name, values[lane]]),
    make("span", { class: "span" }, make("span", {}, "0 s"), make("span", {}, `${(row.frames / data.fps).toFixed(1)} s`)));
  return Object.assign(make("figure", { class: "timeline" }, make("figcaption", {}, `${whose}, by second`), picture), { show });
}

function bars(row, lane, key, top, kind) { // one path, as a long render has many
  const [gap, height] = [0.04 * data.fps, LANE - 3];
  const bar = (second, index) => {
    const start = index * data.fps + gap;
    const end = index === row.seconds.length - 1 ? row.frames - gap : start + data.fps - 2 * gap;
    const size = Math.max(height * second[key] / top, 0.75); // so that 0 is seen, and is not taken for missing
    return second[key] === null ? "" : `M${start} ${LANE * (lane + 1)}V${LANE * (lane + 1) - size}H${end}V${LANE * (lane + 1)}Z`;
  };
  return svg("path", { class: kind, d: row.seconds.map(bar).join("") });
}

function spoken([key, title, , format], seconds) {
  const known = seconds.map((second) => second[key]).filter((value) => value !== null);
  return `${title} ${known.length ? `${format(Math.min(...known))} to ${format(Math.max(...known))}` : "not measured"}`;
}

const isLong = (row) => row.seconds.length > 1;
const showOnTimelines = (index) => document.querySelectorAll(".timeline").forEach((line) => line.show(index));
