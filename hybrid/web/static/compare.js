// Comforts only: the page works without this file.
"use strict";

const form = document.getElementById("compare");
const SVG = "http://www.w3.org/2000/svg";
const DEBOUNCE_MS = 60;

let number = 0;
let waiting = 0;

const address = () => `${form.action}?${new URLSearchParams(new FormData(form))}`;

// What an answer brings. A slider is left where it is, as it may be held; all that leads on leads on from here.
const names = (box) => [...box.querySelectorAll("[name]")].map((one) => one.name).join();
const show = (page) => {
  const replace = (old, fresh) => old.forEach((one, at) => one.replaceWith(document.adoptNode(fresh[at])));
  const [box, found] = [document, page].map((of) => of.getElementById("compared"));
  if (names(box) === names(found)) {
    for (const part of [".likeness", ".places"]) replace(box.querySelectorAll(part), found.querySelectorAll(part));
  } else replace([box], [found]);
  for (const id of ["going-on", "keeping"]) replace([document.getElementById(id)], [page.getElementById(id)]);
  replace(document.querySelectorAll(".language"), page.querySelectorAll(".language"));
};

// The settings as they are now are fused anew; an older answer never replaces a newer one.
const compare = async () => {
  number += 1;
  const mine = number;
  const url = address();
  const trouble = document.getElementById("trouble");
  try {
    const answer = await fetch(url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== number) return;
    if (!answer.ok) throw new Error(page.querySelector(".problem div p")?.textContent ?? answer.statusText);
    const focused = document.activeElement?.name;
    show(page);
    trouble.textContent = "";
    history.replaceState(null, "", url);
    if (focused) form.elements.namedItem(focused)?.focus();
    join();
  } catch (error) {
    if (mine === number) trouble.textContent = trouble.dataset.words.replace("{why}", () => error.message);
  }
};

form.addEventListener("input", (event) => {
  const shown = event.target.closest("label")?.querySelector("output");
  if (shown) shown.textContent = event.target.value;
  if (!event.target.closest(".side")) return;
  clearTimeout(waiting);
  waiting = setTimeout(compare, DEBOUNCE_MS);
});

// The same document is joined from one list to the next.
const join = () => {
  const box = document.getElementById("compared");
  box.querySelector(".joins")?.remove();
  const lists = [...box.querySelectorAll(".places")];
  const frame = box.getBoundingClientRect();
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "joins");
  drawing.setAttribute("aria-hidden", "true");
  for (const [at, list] of lists.slice(1).entries()) {
    const before = new Map([...lists[at].children].map((row) => [row.dataset.id, row]));
    for (const row of list.children) {
      const from = before.get(row.dataset.id)?.getBoundingClientRect();
      const to = row.getBoundingClientRect();
      if (!from || from.right > to.left) continue; // not beside each other
      const path = document.createElementNS(SVG, "path");
      const [x1, y1, x2, y2] = [from.right - frame.left, (from.top + from.bottom) / 2 - frame.top, to.left - frame.left, (to.top + to.bottom) / 2 - frame.top];
      const half = (x2 - x1) / 2;
      path.setAttribute("d", `M${x1} ${y1} C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`);
      path.dataset.id = row.dataset.id;
      drawing.append(path);
    }
  }
  box.append(drawing);
};

const light = (id) => {
  for (const one of document.querySelectorAll("#compared [data-id]")) {
    one.classList.toggle("is-lit", id !== undefined && one.dataset.id === id);
  }
};
form.addEventListener("mouseover", (event) => light(event.target.closest("[data-id]")?.dataset.id));
form.addEventListener("mouseleave", () => light());
addEventListener("resize", join);
join();
