"use strict";
// the theme: what the system says, until the reader chooses
(() => {
  const root = document.documentElement;
  const button = document.querySelector("button.theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = (value) => {
    try {
      return value === undefined ? localStorage.getItem("theme") : localStorage.setItem("theme", value);
    } catch {
      return null;
    }
  };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  const before = kept();
  if (before === "dark" || before === "light") root.dataset.theme = before;
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    kept(root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();
})();

// Sorts the rows of a table by a column, cells without a value last; the table then says `sorted`.
function sortTable(table, place, descending) {
  const valueOf = (row) => {
    const cell = row.cells[place];
    const text = cell.dataset.sort ?? cell.textContent.trim();
    if (text === "" || text === "–") return null;
    const number = Number(text);
    return Number.isNaN(number) ? text.toLowerCase() : number;
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return typeof a === typeof b ? String(a).localeCompare(String(b), "en", { numeric: true }) : typeof a === "number" ? -1 : 1;
  };
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, value: valueOf(row) }));
  rows.sort((one, two) => {
    if (one.value === null || two.value === null) return (one.value === null) - (two.value === null);
    return descending ? compare(two.value, one.value) : compare(one.value, two.value);
  });
  table.tBodies[0].append(...rows.map(({ row }) => row));
  [...table.tHead.rows[0].cells].forEach((header, number) => {
    if (number === place) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else header.removeAttribute("aria-sort");
  });
  table.dispatchEvent(new CustomEvent("sorted", { bubbles: true, detail: { place, descending } }));
}

for (const table of document.querySelectorAll("table[data-sortable]")) {
  [...table.tHead.rows[0].cells].forEach((header, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...header.childNodes);
    header.append(button);
    // numbers: the greatest first
    button.addEventListener("click", () => {
      const sorted = header.getAttribute("aria-sort");
      sortTable(table, place, sorted ? sorted === "ascending" : header.classList.contains("number"));
    });
  });
}
