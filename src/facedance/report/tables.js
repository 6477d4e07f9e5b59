// Texts reach the page through textContent and attributes only, so that no name can become markup.

const data = JSON.parse(document.getElementById("data").textContent);
const find = (selector) => document.querySelector(selector);

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

function svg(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

// ---- Numbers ----------------------------------------------------------------------------------------------------------

const share = (x) => `${(100 * x).toFixed(0)} %`;
const digits = (n) => (x) => x.toFixed(n);
const noFace = (row) => row.who.endsWith("as the model makes them") && row.face_detected_rate > 0
  ? "it is to be nobody's in particular" : row.face_detected_rate === null ? "the head is not to be seen in the scored frames"
  : "no face was found in the scored frames";
const noPose = (row) => row.clip === "" ? "which dance it should follow is not known"
  : row.clip.startsWith("control-") ? "a ready-made control video has no driving landmarks"
  : "nobody was found in the render, or no joint is visible in the driving pose";

const noDrift = (what) => (row) => (row.frames < 2 * data.fps ? "the render is shorter than two seconds" : what);

// Of the judges who had no part in the making: the first of a project's own renders, the others of anybody's videos.
const FURTHER = ["landmark_distance", "shape_distance", "arcface_cosine"];

// name, heading, what it is, how it is written, why it can be missing
const METRICS = [
  ["face_detected_rate", "Face found", "share of the scored frames in which a face is found", share, noFace],
  ["recognised_rate", "Recognised",
    "share of the scored frames whose face is near the target and nearer to it than to anybody else", share, noFace],
  ["identity_distance", "Distance to target",
    "mean distance of the faces to the target, in the recogniser's measure; lower is better", digits(3), noFace],
  ["nearest_other_distance", "To nearest other", "mean distance of the faces to the nearest other identity or dancer", digits(3),
    (row) => (row.identity_distance !== null ? "nobody else is known" : noFace(row))],
  ["landmark_distance", "Second judge",
    "how far 68 landmarks of the face are from those of the person's best photo, in radii of the face; lower is better", digits(4),
    (row) => (row.identity_distance !== null ? "a blend has no photo, or no face is found in it" : noFace(row))],
  ["swaps", "Swapped",
    "share of the frames with the dancer's face in which it is nearer to another dancer's person; lower is better", share,
    (row) => (row.identity_distance !== null ? "nobody else is in the cast" : noFace(row))],
  ["embedding_consistency", "Face consistency",
    "cosine similarity of the faces of successive scored frames; higher is steadier", digits(3),
    () => "no two successive scored frames have a face"],
  ["pose_detected_rate", "Person found", "share of the frames in which a person is found", share, noPose],
  ["pose_pck", "PCK@0.2",
    "share of the driving pose's visible joints found within 0.2 of the torso; higher is better", digits(3), noPose],
  ["pose_error_px", "Pose error, px",
    "mean distance to the driving pose's joints in pixels of the clip; lower is better", digits(1), noPose],
  ["flicker", "Flicker",
    "warping error: grey levels by which frames differ once motion is taken out; lower is steadier", digits(2),
    () => "the motion between frames could not be followed"],
  ["background_drift", "Background drift",
    "grey levels: standard deviation of the background's mean colour over the render; lower is steadier", digits(2),
    noDrift("no background is seen beside the dancer")],
  ["clothes_hue_drift", "Clothes' hue drift, °",
    "degrees by which the hue on the torso is off the first second's at most; lower is steadier", digits(1),
    noDrift("the clothes are grey, or were not seen in the first second")],
  ["seam_change", "Change at seams",
    "change between frames where windows meet, over the median change elsewhere; 1 is no seam", digits(2),
    () => "the render was made in one window"],
  ["identity_drift", "Identity drift", "distance to the target in the last second minus that in the first", digits(3),
    noDrift("no face was found in the first or last second")],
  ["shape_distance", "Shape distance",
    "second judge: distance of the mean shape of 68 landmarks to that of the photos; lower is better", digits(4),
    () => "no face was found, or no photos are known"],
  ["arcface_cosine", "ArcFace cosine", "mean cosine similarity to the person by ArcFace; higher is better", digits(3),
    () => "ArcFace's weights are not here, or no face was found"],
  ["frames", "Frames", "frames of the render", digits(0), () => "unknown"],
].filter(([key]) => !FURTHER.includes(key) || data.renders.some((row) => key in row));

function written(value, format, why) {
  if (value !== null && value !== undefined) return document.createTextNode(format(value));
  const title = `not measured: ${why}`;
  return make("abbr", { title, "aria-label": title }, "–");
}

// ---- Tables: columns are {key, title, hint, number, cell(row)} -----------------------------------------------------------

function table(columns, rows) {
  const body = make("tbody");
  const cell = (column, row) => make("td", { class: column.number ? "number" : "" },
    column.cell ? column.cell(row) : String(row[column.key] ?? ""));
  const fill = (sorted) => body.replaceChildren(
    ...sorted.map((row) => make("tr", {}, ...columns.map((column) => cell(column, row)))));
  const heads = columns.map((column) => {
    const head = make("th", { scope: "col", class: column.number ? "number" : "", title: column.hint ?? "" });
    head.append(make("button", { type: "button", onclick: () => {
      const descending = head.hasAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : Boolean(column.number);
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      fill([...rows].sort((a, b) => compare(a[column.key], b[column.key], descending)));
    } }, column.title));
    return head;
  });
  fill(rows);
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body);
}

function compare(a, b, descending) {
  const [noA, noB] = [a === null || a === undefined, b === null || b === undefined];
  if (noA || noB) return noA - noB; // what was not measured stays at the end
  const order = typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return descending ? -order : order;
}

const number = (key, title, format, why) => ({ key, title, number: true, cell: (row) => written(row[key], format, why) });
const statusColumn = { key: "status", title: "Status", cell: (row) => make("span", { class: row.status }, row.status) };
