// Rates by keys: each rating is sent at once. Without this script the buttons send the form, and the page comes again.
(() => {
"use strict";
const items = [...document.querySelectorAll(".judged")];
const undone = [];
let now = -1;
let queue = Promise.resolve();

function move(to) {
  if (!items[to]) return;
  items[now]?.removeAttribute("aria-current");
  now = to;
  items[now].setAttribute("aria-current", "true");
  items[now].focus({ preventScroll: true });
  items[now].scrollIntoView({ block: "nearest" });
}

const buttons = (item) => [...item.querySelectorAll(".marks:first-of-type button[name=grade]:not(.back)")];
const given = (item) => buttons(item).find((one) => one.getAttribute("aria-pressed") === "true")?.value ?? "back";

function show(item, grade) {
  for (const one of buttons(item)) one.setAttribute("aria-pressed", String(one.value === grade));
  item.querySelector(".back").hidden = grade === "back";
  const rated = items.filter((one) => given(one) !== "back").length;
  document.getElementById("rated").textContent = rated;
  document.getElementById("done").value = rated;
}

// One at a time and in order, so that what was pressed last is what is kept.
function save(item, grade, pressed) {
  const form = item.querySelector("form");
  const body = new URLSearchParams(new FormData(form));
  const before = given(item);
  body.set("grade", grade);
  show(item, grade);
  queue = queue.then(async () => {
    const trouble = document.getElementById("trouble");
    try {
      const said = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!said.ok) throw new Error((await said.json()).detail);
      trouble.textContent = "";
      performance.measure("saved", { start: pressed, end: performance.now() });
    } catch (error) {
      show(item, before);
      trouble.textContent = trouble.dataset.words.replace("{why}", () => error.message);
    }
  });
}

function rate(item, grade, pressed) {
  undone.push([item, given(item)]);
  save(item, grade, pressed);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select") || !items.length) return;
  const pressed = performance.now();
  const key = event.key;
  if (/^[0-3x]$/.test(key)) {
    rate(items[now], key === "x" ? "cannot" : key, pressed);
    const next = items.findIndex((one, place) => place > now && given(one) === "back");
    move(next === -1 ? now + 1 : next);
  } else if (key === "j" || key === "ArrowDown") move(now + 1);
  else if (key === "k" || key === "ArrowUp") move(now - 1);
  else if (key === "u") {
    const last = undone.pop();
    if (last) { save(last[0], last[1], pressed); move(items.indexOf(last[0])); }
  } else return;
  event.preventDefault();
});

for (const item of items) {
  item.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    rate(item, event.submitter.value, performance.now());
    move(items.indexOf(item));
  });
}
if (items.length) move(Math.max(0, items.findIndex((one) => given(one) === "back")));
})();
