// ---- Header -------------------------------------------------------------------------------------------------------------

function mean(key) { // of the default renders, because variants may switch the face off on purpose
  const typical = data.renders.filter((row) => row.typical ?? row.variant === "default");
  const values = (typical.length ? typical : data.renders).map((row) => row[key]).filter((value) => value !== null);
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
}

function header() {
  const clips = new Set(data.renders.map((row) => row.clip)).size;
  const who = new Set(data.renders.map((row) => row.identity)).size;
  const videos = new Set(data.renders.map((row) => row.video)).size; // of several dancers each has a row
  const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;
  const lengths = data.renders.map((row) => row.frames);
  const [least, most] = lengths.length ? [Math.min(...lengths), Math.max(...lengths)] : [data.frames, data.frames];
  const range = (format) => [...new Set([format(least), format(most)])].join(" to ");
  find("#summary").textContent = data.summary ?? `${count(videos, "render", "renders")} with the model ${data.model}: ` +
    `${count(who, "face", "faces")} in ${count(clips, "clip", "clips")} of ${range(String)} frames ` +
    `(${range((frames) => (frames / data.fps).toFixed(1))} s at ${data.fps} frames a second).`;
  const figures = [["Renders", videos, digits(0)], ["Frames with a face", mean("face_detected_rate"), share],
    ["Frames recognised", mean("recognised_rate"), share], ["Pose followed, PCK@0.2", mean("pose_pck"), digits(3)]];
  for (const [origin, pck] of Object.entries(data.extraction_pck)) {
    figures.push([`Poses extracted, PCK@0.2 (${origin})`, pck, digits(3)]);
  }
  find("#figures").append(...figures.map(([name, value, format]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, written(value, format, "nothing to take the mean of")))));
}

// ---- Cards: one for each face in each clip, its variants side by side ------------------------------------------------------

const PAGE = 12;
const BRIEF = ["face_detected_rate", "recognised_rate", "identity_distance", "nearest_other_distance", "landmark_distance", "swaps",
  "pose_pck"];
const hasSwaps = (row) => row.swaps != null; // of one dancer it is not measured
let limit = PAGE;

function tile(source, caption, ...details) {
  const video = make("video", { muted: true, playsInline: true, preload: "auto", "aria-label": caption });
  video.dataset.src = source;
  return make("figure", {}, video, make("figcaption", {}, caption, ...details));
}

function scoresOf(row) {
  const list = make("dl");
  const brief = METRICS.filter(([key]) => BRIEF.includes(key) && (key !== "swaps" || hasSwaps(row)));
  for (const [key, title, hint, format, why] of brief) {
    list.append(make("dt", { title: hint }, title), make("dd", {}, written(row[key], format, why(row))));
  }
  return list;
}

const FIGURES_OF_TAKES = [ // name, heading, what it is, how it is written
  ["face_detected_rate", "Face found", "share of the frames looked at in which a face is found", share],
  ["identity_distance", "Distance", "mean distance to the person by the recogniser that chooses", digits(3)],
  ["pose_pck", "PCK@0.2", "share of the driving pose's joints that were found in place", digits(3)],
  ["landmark_distance", "Second judge",
    "how far 68 landmarks of the face are from the person's, in radii of the face; it has no part in choosing", digits(4)],
  ["insightface_distance", "ArcFace", "mean distance to the person by ArcFace, which has no part in choosing", digits(3)],
  ["dlib_distance", "dlib", "mean distance to the person by dlib, which has no part in choosing", digits(3)],
];

function choiceOf({ choice }) { // of several seeds: which one it is, and what the judges say of it
  if (!choice) return [];
  const kept = choice.tried.find((take) => take.seed === choice.kept);
  const list = make("dl", { class: "choice" });
  for (const [key, title, hint, format] of FIGURES_OF_TAKES) {
    if (!(key in kept)) continue;
    list.append(make("dt", { title: hint }, title), make("dd", {}, written(kept[key], format, "nothing to measure")));
  }
  return [make("span", {}, `seed ${choice.kept}, the best of ${choice.tried.length} by ${choice.judge}`), list];
}

function card(rows) {
  const { identity, clip } = rows[0];
  const person = data.people[identity];
  const photos = make("div", { class: "photos" },
    ...person.members.map((name) => make("img", { src: data.people[name].reference, alt: name })));
  const { source, control } = data.clips[clip];
  const drivers = [...(source ? [tile(source, "driving clip")] : []),
    ...(control ? [tile(control, "control video")] : [])];
  const videos = new Map(); // its rows: one for each dancer
  for (const row of rows) videos.set(row.video, [...(videos.get(row.video) ?? []), row]);
  const renders = [...videos].map(([video, dancers]) => tile(video, dancers[0].variant, ...choiceOf(dancers[0]),
    ...(dancers[0].built ? [make("p", {}, dancers[0].built)] : []),
    ...dancers.flatMap((row) => [...(row.who === identity ? [] : [make("strong", {}, row.who)]), scoresOf(row)])));
  const heard = (source ? drivers : renders)[0].querySelector("video"); // control videos are silent
  const sound = make("button", { type: "button", class: "sound", "aria-pressed": "false" }, "Sound");
  sound.onclick = () => listenTo(heard, sound);
  const [width, height] = data.clips[clip].size ?? [1, 1];
  const article = make("article", { class: "card" },
    make("div", {}, make("h3", {}, identity), make("span", {}, clip), sound),
    make("div", { class: "tiles" },
      make("figure", {}, photos, make("figcaption", {}, person.made_of ?? "target")), ...drivers, ...renders),
    make("div", { class: "timelines" }, ...rows.filter(isLong).map(timeline)));
  article.style.setProperty("--aspect", `${width} / ${height}`);
  article.style.setProperty("--tile", width > 1.3 * height ? "18rem" : "10.5rem");
  return article;
}

function filtered() {
  const wanted = Object.fromEntries(new FormData(find("#filters")));
  return data.renders.filter((row) => Object.entries(wanted).every(([key, value]) => value === "" || row[key] === value));
}

function showCards() {
  const groups = new Map(); // identity and clip -> its renders
  for (const row of filtered()) {
    const key = JSON.stringify([row.identity, row.clip]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const shown = [...groups.values()].slice(0, limit);
  const cards = shown.map(card);
  find("#cards").replaceChildren(...(cards.length ? cards : [make("p", { class: "none" }, "No render matches.")]));
  watch(cards, Math.max(1, ...shown.flat().map((row) => row.frames)));
  const left = groups.size - cards.length;
  find("#more").hidden = left <= 0;
  find("#more").textContent = `Show ${Math.min(left, PAGE)} more of ${left}`;
  const videos = (rows) => new Set(rows.map((row) => row.video)).size;
  find("#shown").textContent = `${videos(filtered())} of ${videos(data.renders)} renders`;
}

function filters() {
  for (const select of find("#filters").elements) {
    if (select.tagName !== "SELECT") continue;
    const names = [...new Set(data.renders.map((row) => row[select.name]))];
    select.append(make("option", { value: "" }, "all"), ...names.map((name) => make("option", { value: name }, name)));
  }
  find("#filters").onchange = () => { limit = PAGE; showCards(); showScores(); };
  find("#more").onclick = () => { limit += PAGE; showCards(); };
}

// ---- The other sections ----------------------------------------------------------------------------------------------------

function showScores() {
  const who = (row) => make("span", { title: data.people[row.identity].made_of ?? "" }, row.who);
  const measured = METRICS.filter(([key]) => key !== "swaps" || data.renders.some(hasSwaps));
  const columns = [{ key: "who", title: "Who", cell: who }, { key: "clip", title: "Clip" }, { key: "variant", title: "Variant" },
    ...measured.map(([key, title, hint, format, why]) => (
      { key, title, hint, number: true, cell: (row) => written(row[key], format, why(row)) }))];
  find("#scores .wide").replaceChildren(table(columns, filtered()));
  showTakes();
}

function showTakes() { // all seeds that were tried for the renders that are shown
  const chosen = new Map(filtered().filter((row) => row.choice).map((row) => [row.video, row])); // once, whoever dances in it
  const rows = [...chosen.values()].flatMap(({ identity, clip, variant, choice }) => choice.tried.map((take) => (
    { identity, clip, variant, ...take, kept: take.seed === choice.kept ? "kept" : "" })));
  find("#takes").hidden = !rows.length;
  if (!rows.length) return;
  const columns = [{ key: "identity", title: "Who" }, { key: "clip", title: "Clip" }, { key: "variant", title: "Variant" },
    number("seed", "Seed", digits(0), "unknown"), { key: "kept", title: "Kept" },
    ...FIGURES_OF_TAKES.filter(([key]) => rows.some((row) => key in row)).map(([key, title, hint, format]) => (
      { ...number(key, title, format, "nothing to measure"), hint }))];
  find("#takes .wide").replaceChildren(table(columns, rows));
}

function extraction() {
  const columns = [{ key: "clip", title: "Clip" }, { key: "origin", title: "Landmarks from" },
    number("pck", "PCK@0.2", digits(3), "no visible joint"), number("error_px", "Error, px", digits(1), "no joint was found"),
    number("torso_px", "Torso, px", digits(1), "no visible joint"), number("frames", "Frames", digits(0), "unknown")];
  find("#extraction .wide").append(data.extraction.length
    ? table(columns, data.extraction) : make("p", { class: "none" }, "None of these videos has ground truth."));
}

function training() {
  const losses = [["loss", "loss"], ["face", "loss in the face"]];
  const judged = [["loss", "distance to the person"], ["face", "PCK@0.2"], ["third", "faces found"]];
  const charts = Object.entries(data.training).flatMap(([name, points]) => {
    const looks = data.likeness[name].map((row) => [row.step, row.identity_distance, row.pose_pck, row.face_detected_rate]);
    return [chart(name, "Loss", losses, points), ...(looks.length > 1 ? [chart(name, "Likeness", judged, looks)] : [])];
  });
  find("#training .charts").append(...(charts.length ? charts : [make("p", { class: "none" }, "Nobody was trained.")]));
  likeness();
}

function likeness() { // what the judges say of the person in a dance that is held out, on the way of each training
  const rows = Object.entries(data.likeness).flatMap(([name, looks]) => looks.map((row) => ({ name, ...row })));
  if (!rows.length) return;
  const noFaceSeen = "no face was found";
  const columns = [{ key: "name", title: "Who" }, number("step", "Step", digits(0), "unknown"),
    number("face_detected_rate", "Face found", share, "unknown"),
    number("identity_distance", "Distance to person", digits(3), noFaceSeen),
    number("pose_pck", "PCK@0.2", digits(3), "the pose of the dance is not known"),
    { ...number("landmark_distance", "Second judge", digits(4), noFaceSeen),
      hint: "how far 68 landmarks of the face are from the person's, in radii of the face; it has no part in choosing" },
    { key: "adapter", title: "Adapter", cell: (row) => (row.adapter ? "from here" : "") }];
  find("#training").append(make("p", { class: "hint" }, "The person in a dance that is held out, as the judges see it on the way."),
    make("div", { class: "wide" }, table(columns, rows)));
}

function chart(name, what, lines, points) { // points: [step, a value for each line]; lines: [class, what it is]
  const [width, height, left, bottom] = [420, 200, 44, 24];
  const steps = points.map((point) => point[0]);
  const top = Math.max(...points.flatMap((point) => point.slice(1)).filter((value) => value !== null)) * 1.05;
  const x = (step) => left + (width - left - 8) * (step - steps[0]) / Math.max(steps.at(-1) - steps[0], 1);
  const y = (loss) => 8 + (height - 8 - bottom) * (1 - loss / top);
  const line = (index, kind) => svg("polyline", { class: kind,
    points: points.filter((p) => p[index] !== null).map((p) => `${x(p[0]).toFixed(1)},${y(p[index]).toFixed(1)}`).join(" ") });
  const last = points.at(-1);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label":
    `${what} of ${name}: ${points[0][1]?.toPrecision(3)} at step ${steps[0]}, ${last[1]?.toPrecision(3)} at step ${last[0]}` });
  for (const part of [0, 0.5, 1]) {
    const value = top * part / 1.05;
    picture.append(svg("line", { class: "grid", x1: left, x2: width - 8, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, value.toPrecision(2)));
  }
  picture.append(svg("text", { x: left, y: height - 6 }, `step ${steps[0]}`),
    svg("text", { x: width - 8, y: height - 6, "text-anchor": "end" }, String(last[0])), ...lines.map(([kind], index) => line(index + 1, kind)).reverse());
  return make("figure", {}, make("h3", {}, name), picture, make("figcaption", {},
    ...lines.map(([kind, meaning]) => make("span", { class: `key ${kind}` }, `— ${meaning}`))));
}

function photos() {
  for (const [name, person] of Object.entries(data.people)) {
    if (!person.photos) continue;
    const accepted = person.photos.filter((photo) => photo.status === "accepted").length;
    const columns = [{ key: "photo", title: "Photo" }, statusColumn, { key: "reason", title: "Reason" },
      number("face_px", "Face, px", digits(0), "no usable face"), number("sharpness", "Sharpness", digits(0), "no usable face"),
      number("yaw", "Yaw, °", digits(0), "no usable face"),
      number("distance", "Distance", digits(3), "not compared with the other photos"),
      number("weight", "Weight", digits(3), "rejected")];
    find("#photos").append(make("div", { class: "person" },
      make("div", {}, make("img", { src: person.reference, alt: `reference picture of ${name}` })),
      make("div", {}, make("h3", {}, name),
        make("p", {}, `${accepted} of ${person.photos.length} photos accepted. Consent: ${person.consent}.`),
        make("img", { class: "sheet", src: person.crops, alt: `aligned faces of ${name}` }),
        make("div", { class: "wide" }, table(columns, person.photos)))));
  }
}

function rejected() {
  const columns = [{ key: "clip", title: "Video or clip" }, { key: "stage", title: "Ended in" },
    { key: "reason", title: "Reason" }, { key: "file", title: "File" }];
  find("#rejected .wide").append(data.rejected.length ? table(columns, data.rejected) : make("p", { class: "none" }, "None."));
  if (data.notes.length) {
    const told = [{ key: "clip", title: "Clip" }, { key: "note", title: "Used, but note" }];
    find("#rejected .wide").append(table(told, data.notes));
  }
}

function made() {
  const part = (title, content) => make("details", {}, make("summary", {}, title), make("div", { class: "wide" }, content));
  const packages = [{ key: "package", title: "Package" }, { key: "version", title: "Version" }];
  const files = [{ key: "file", title: "File" }, number("size", "Bytes", (x) => x.toLocaleString("en"), "unknown"),
    { key: "sha256", title: "SHA-256", cell: (row) => make("code", {}, row.sha256) }];
  find("#made").append(part("Parameters", make("pre", {}, data.parameters)), part("Versions", table(packages, data.versions)),
    part("Weights", table(files, data.weights)));
}

header();
filters();
transport();
find("#by-second").hidden = !data.renders.some(isLong);
showCards();
showScores();
training();
extraction();
photos();
rejected();
made();
if (location.protocol === "data:") { // in Snakemake's report, where there is no folder media/ beside the page
  document.documentElement.classList.add("alone");
  find("#videos h2").after(make("p", { class: "notice" }, "Videos and pictures show on the page results/report/index.html."));
}
