// timelines: zoom and pan of all courses of a unit together
for (const chart of document.querySelectorAll("svg[data-zoom]")) {
  const courses = [...chart.querySelectorAll("svg.course")];
  const axis = chart.querySelector(".frames-axis");
  const [first, last, left, right, y] = ["first", "last", "left", "right", "y"].map((name) => Number(axis.dataset[name]));
  const least = Math.min(10, last - first);
  let [begin, end] = [first, last];

  const controls = document.createElement("div");
  controls.className = "controls";
  controls.setAttribute("role", "group");
  controls.setAttribute("aria-label", "Zoom");
  const where = document.createElement("span");
  where.setAttribute("role", "status");

  const stepOf = (span) => {
    const power = 10 ** Math.floor(Math.log10(span / 8));
    return Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((step) => span / step <= 8));
  };
  const show = (from, to) => {
    const span = Math.min(Math.max(to - from, least), last - first);
    begin = Math.min(Math.max(from, first), last - span);
    end = begin + span;
    for (const course of courses) {
      const height = course.viewBox.baseVal.height;
      course.setAttribute("viewBox", `${begin} 0 ${span} ${height}`);
    }
    axis.replaceChildren();
    const step = stepOf(span);
    for (let frame = Math.ceil(begin / step) * step; frame <= end; frame += step) {
      const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      text.setAttribute("x", left + ((frame - begin) / span) * (right - left));
      text.setAttribute("y", y);
      text.setAttribute("text-anchor", "middle");
      text.textContent = frame.toLocaleString("en");
      axis.append(text);
    }
    where.textContent = `frames ${Math.ceil(begin)} to ${Math.floor(end)}`;
  };
  const zoom = (factor, at = (begin + end) / 2) => show(at - (at - begin) * factor, at + (end - at) * factor);
  const pan = (share) => show(begin + share * (end - begin), end + share * (end - begin));

  const actions = [
    ["+", "Zoom in", () => zoom(0.5)],
    ["−", "Zoom out", () => zoom(2)],
    ["←", "Earlier frames", () => pan(-0.5)],
    ["→", "Later frames", () => pan(0.5)],
    ["All", "All frames", () => show(first, last)],
  ];
  for (const [text, label, action] of actions) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", action);
    controls.append(button);
  }
  controls.append(where);
  chart.closest(".scroll").before(controls);

  const frameAt = (event) => {
    const box = courses[0].getBoundingClientRect();
    return begin + ((event.clientX - box.left) / box.width) * (end - begin);
  };
  // the wheel alone scrolls the page
  chart.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, frameAt(event));
  }, { passive: false });
  chart.addEventListener("dblclick", (event) => zoom(0.5, frameAt(event)));
  let held = null;
  chart.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && end - begin < last - first) {
      held = frameAt(event);
      chart.setPointerCapture(event.pointerId);
    }
  });
  chart.addEventListener("pointermove", (event) => {
    if (held !== null) {
      const moved = held - frameAt(event);
      show(begin + moved, end + moved);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) chart.addEventListener(name, () => (held = null));
  show(first, last);
}
