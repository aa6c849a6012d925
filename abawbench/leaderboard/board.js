// Filters, search and sorting of a board's tables; what is set stands in the address, so that a copied one shows the same.
(() => {
  const form = document.querySelector("form.filter");
  if (!form) return;
  const tables = [...document.querySelectorAll("table[data-filter]")];
  const first = new Map(tables.map((table) => [table, [...table.tBodies[0].rows]]));
  const words = new Map();
  for (const rows of first.values()) for (const row of rows) words.set(row, row.textContent.toLowerCase());
  const output = form.querySelector("output");
  let sorted = "";
  let isReading = false;

  const checked = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)].map((input) => input.value);

  const fits = (row, wanted) => {
    if (row.classList.contains("is-control")) return true;
    if (wanted.kind.length && !wanted.kind.includes(row.dataset.kind)) return false;
    const has = (row.dataset.has ?? "").split(" ");
    if (!wanted.has.every((column) => has.includes(column))) return false;
    const training = row.dataset.training;
    if (wanted.training && training === undefined) return false;
    if (wanted.training.startsWith("=") && !training.split("\n").includes(wanted.training.slice(1))) return false;
    return wanted.q.every((word) => words.get(row).includes(word));
  };

  const apply = () => {
    const wanted = {
      q: form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean),
      kind: checked("kind"),
      has: checked("has"),
      training: form.elements.training?.value ?? "",
    };
    let shown = 0;
    let all = 0;
    for (const rows of first.values()) {
      for (const row of rows) {
        row.hidden = !fits(row, wanted);
        if (row.classList.contains("is-control")) continue;
        all += 1;
        shown += row.hidden ? 0 : 1;
      }
    }
    const rows = all === 1 ? "row" : "rows";
    output.value = shown === all ? `${all} ${rows}` : `${shown} of ${all} ${rows}`;
  };

  const write = () => {
    const state = new URLSearchParams();
    if (form.elements.q.value) state.set("q", form.elements.q.value);
    for (const name of ["kind", "has"]) if (checked(name).length) state.set(name, checked(name).join(","));
    if (form.elements.training?.value) state.set("training", form.elements.training.value);
    if (sorted) state.set("sort", sorted);
    const text = state.toString();
    history.replaceState(null, "", text ? `#?${text}` : location.pathname + location.search);
  };

  const unsort = () => {
    sorted = "";
    for (const [table, rows] of first) {
      table.tBodies[0].append(...rows);
      table.removeAttribute("data-resorted");
      for (const header of table.tHead.rows[0].cells) header.removeAttribute("aria-sort");
    }
  };

  // the state of the address; a plain anchor is none
  const read = () => {
    if (location.hash && !location.hash.startsWith("#?")) return;
    const state = new URLSearchParams(location.hash.slice(2));
    isReading = true;
    form.elements.q.value = state.get("q") ?? "";
    for (const name of ["kind", "has"]) {
      const chosen = (state.get(name) ?? "").split(",");
      for (const input of form.querySelectorAll(`input[name="${name}"]`)) input.checked = chosen.includes(input.value);
    }
    if (form.elements.training) form.elements.training.value = state.get("training") ?? "";
    if (form.elements.training && form.elements.training.selectedIndex < 0) form.elements.training.value = "";
    unsort();
    const [name, key, way] = (state.get("sort") ?? "").split(":");
    const table = tables.find((one) => one.id === `table-${name}`);
    const place = table ? [...table.tHead.rows[0].cells].findIndex((header) => header.dataset.key === key) : -1;
    if (place >= 0) sortTable(table, place, way === "down");
    isReading = false;
    apply();
  };

  document.addEventListener("sorted", ({ target, detail }) => {
    if (!first.has(target)) return;
    target.setAttribute("data-resorted", "");
    const key = target.tHead.rows[0].cells[detail.place].dataset.key;
    sorted = `${target.id.replace("table-", "")}:${key}:${detail.descending ? "down" : "up"}`;
    if (!isReading) write();
  });
  form.addEventListener("input", () => {
    apply();
    write();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () =>
    setTimeout(() => {
      unsort();
      apply();
      write();
    }),
  );
  addEventListener("hashchange", read);

  const said = async (button, text) => {
    const before = button.textContent;
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      done = "Not copied: the browser forbids it";
    }
    button.textContent = done;
    setTimeout(() => (button.textContent = before), 1500);
  };
  form.querySelector(".share").addEventListener("click", ({ target }) => said(target, location.href));
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => said(button, button.closest("td").querySelector(".citation").textContent));
  }
  form.hidden = false;
  read();
  apply();
  const more = form.querySelector("details");
  if (more) more.open = matchMedia("(min-width: 48rem)").matches || location.hash.startsWith("#?");
})();
