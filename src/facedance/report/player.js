// ---- Playback: the videos of the cards near the window, in step ------------------------------------------------------------

const live = new Set(); // videos that are loaded
let playing = false;
let frame = 0;
let total = 1; // frames of the longest render that is shown
let speed = 1;

const nearby = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
  for (const video of target.querySelectorAll("video")) {
    if (isIntersecting && !live.has(video)) {
      live.add(video);
      video.onloadedmetadata = () => { video.currentTime = timeOf(frame); if (playing) start(video); };
      video.src = video.dataset.src;
    } else if (!isIntersecting && live.delete(video)) { // a browser decodes only so many videos at once
      video.removeAttribute("src");
      video.load();
    }
  }
}), { rootMargin: "400px" });

function watch(cards, frames) {
  total = frames;
  frame = Math.min(frame, total - 1);
  find("#scrubber").max = total - 1;
  showTime();
  nearby.disconnect();
  live.clear();
  cards.forEach((card) => nearby.observe(card));
}

const timeOf = (index) => (index + 0.5) / data.fps; // the middle of a frame, so that rounding cannot show its neighbour
const start = (video) => { video.playbackRate = speed; video.play().catch(() => {}); };

function leader() {
  const ready = [...live].filter((video) => video.readyState >= 2);
  const longest = (a, b) => (b.duration > a.duration + 0.01 ? b : a); // a short clip waits at its end for the others
  return ready.find((video) => !video.muted) ?? (ready.length ? ready.reduce(longest) : undefined);
}

function seek(index) {
  frame = Math.min(Math.max(index, 0), total - 1);
  for (const video of live) video.currentTime = timeOf(frame);
  showTime();
}

function setPlaying(wanted) {
  playing = wanted;
  find("#play").textContent = playing ? "Pause" : "Play";
  if (playing) {
    live.forEach(start);
    requestAnimationFrame(keepInStep);
  } else {
    live.forEach((video) => video.pause());
    seek(frame);
  }
}

function keepInStep() {
  if (!playing) return;
  const first = leader();
  if (first) {
    if (first.ended || first.currentTime * data.fps >= total) {
      seek(0);
      live.forEach(start);
    } else {
      frame = Math.min(Math.floor(first.currentTime * data.fps), total - 1);
      for (const video of live) if (video !== first) follow(video, first.currentTime);
      if (first.playbackRate !== speed) first.playbackRate = speed;
      showTime();
    }
  }
  requestAnimationFrame(keepInStep);
}

function follow(video, time) {
  if (time >= video.duration) return;
  const late = time - video.currentTime;
  if (Math.abs(late) > 0.25) video.currentTime = time; // too far to catch up with
  else video.playbackRate = speed * (1 + Math.max(-0.2, Math.min(0.2, late))); // seeking would stutter
  if (video.paused && !video.ended) start(video);
}

function listenTo(video, button) { // one at a time, and none when the button was pressed already
  const wanted = button.getAttribute("aria-pressed") === "false";
  for (const other of document.querySelectorAll("video")) other.muted = true;
  for (const other of document.querySelectorAll(".sound")) other.setAttribute("aria-pressed", "false");
  video.muted = !wanted;
  button.setAttribute("aria-pressed", String(wanted));
}

function showTime() {
  find("#scrubber").value = frame;
  find("#time").textContent = `frame ${frame + 1} of ${total}, ${(frame / data.fps).toFixed(2)} s`;
  showOnTimelines(frame);
}

function transport() {
  find("#scrubber").oninput = (event) => { setPlaying(false); seek(Number(event.target.value)); };
  find("#play").onclick = () => setPlaying(!playing);
  find("#back").onclick = () => { setPlaying(false); seek(frame - 1); };
  find("#forward").onclick = () => { setPlaying(false); seek(frame + 1); };
  find("#speed").onchange = (event) => {
    speed = Number(event.target.value);
    live.forEach((video) => { video.playbackRate = speed; });
  };
  addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, button, a, summary") || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = { " ": "#play", ArrowLeft: "#back", ArrowRight: "#forward" }[event.key];
    if (button) { event.preventDefault(); find(button).click(); }
  });
}
