"use strict";
(() => {
  const root = document.documentElement;
  const words = JSON.parse(document.body.dataset.words);
  const store = (value) => { try { return value ? localStorage.setItem("theme", value) : localStorage.getItem("theme"); } catch { return null; } };
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  if (store()) root.dataset.theme = store();

  const tool = (label, act) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label();
    button.addEventListener("click", () => { act(); button.textContent = label(); });
    document.querySelector(".tools").append(button);
  };
  tool(() => dark() ? words.light : words.dark, () => { root.dataset.theme = dark() ? "light" : "dark"; store(root.dataset.theme); });
  const code = [...document.querySelectorAll("details.code")];
  const shown = () => root.classList.contains("with-code");
  root.classList.add("js");
  if (code.length) tool(() => shown() ? words.hide_code : words.show_code, () => { root.classList.toggle("with-code"); code.forEach((d) => { d.open = shown(); }); });

  // On paper nobody can open what is folded.
  const folded = () => [...document.querySelectorAll("details.sl-details:not([open])")];
  let opened = [];
  // Chromium repeats the head of a table on every sheet, but not one that holds a button.
  let buttons = [];
  addEventListener("beforeprint", () => {
    opened = folded();
    opened.forEach((d) => { d.open = true; });
    buttons = [...document.querySelectorAll("thead .sort")].map((button) => [button.parentElement, button]);
    buttons.forEach(([, button]) => button.replaceWith(...button.childNodes));
  });
  addEventListener("afterprint", () => {
    opened.forEach((d) => { d.open = false; });
    buttons.forEach(([th, button]) => { button.append(...th.childNodes); th.append(button); });
  });

  const toc = document.querySelector(".toc details");
  if (toc && !matchMedia("(min-width: 72rem)").matches) toc.open = false;

  const value = (row, i) => { const cell = row.cells[i]; return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort); };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  const sort = (table, header, i) => {
    const up = header.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("th[aria-sort]").forEach((th) => th.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const missing = (row) => row.cells[i].textContent.trim() === "\u2013";
    body.append(...[...body.rows].sort((a, b) => missing(a) - missing(b) || (up ? 1 : -1) * compare(value(a, i), value(b, i))));
  };
  document.querySelectorAll(".sl-wide, .sl-scroll:not(.provenance *)").forEach((box) => {
    if (box.scrollWidth <= box.clientWidth) box.removeAttribute("tabindex");
  });
  document.querySelectorAll(".sl-scroll:not(.provenance *) table").forEach((table) => {
    const rows = [...table.tBodies[0].rows];
    // On a phone each row is a card, and each of its cells says what it is.
    const heads = [...table.tHead.rows].at(-1).cells;
    rows.forEach((row) => [...row.cells].forEach((cell, i) => {
      if (i && heads[i] && !cell.dataset.label) cell.dataset.label = heads[i].textContent;
    }));
    if (rows.length < 4) return;
    [...table.tHead.rows].at(-1).querySelectorAll("th").forEach((th) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...th.childNodes);
      button.addEventListener("click", () => sort(table, th, th.cellIndex));
      th.append(button);
    });
    if (rows.length < 14) return;
    const filter = document.createElement("input");
    filter.type = "search";
    filter.className = "filter";
    filter.placeholder = words.filter;
    filter.setAttribute("aria-label", words.filter_of + " " + table.caption.textContent);
    filter.addEventListener("input", () => rows.forEach((row) => {
      row.hidden = !row.textContent.toLowerCase().includes(filter.value.toLowerCase());
    }));
    table.parentElement.before(filter);
  });
})();
