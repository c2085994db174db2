// Comforts only: the page works without this file.
"use strict";

const DEBOUNCE_MS = 200; // after the last key, until it is searched for
const SLOW_MS = 300; // until waiting is shown
const TELL_MS = 1400; // after the last change, until it is told to those who listen

const box = document.getElementById("q");
const form = box.form;
const list = document.getElementById("suggestions");
const told = document.getElementById("told");

// "/" goes to the search box, unless something is being typed.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// Settings left as they are do not go into the address.
form.addEventListener("formdata", (event) => {
  for (const field of form.querySelectorAll("[data-usual]")) {
    if (field.value === field.dataset.usual) event.formData.delete(field.name);
  }
});

// Where there is little room, what is not in use is folded.
const fold = () => {
  const narrow = document.querySelector("#narrow[data-optional]");
  if (narrow && matchMedia("(max-width: 63.99rem)").matches) narrow.open = false;
};
fold();

// One question at a time: the newest. An older answer is dropped, whenever it comes.
class Newest {
  #number = 0;
  #running = null;

  stop() {
    this.#number += 1;
    this.#running?.abort();
  }

  async ask(url, read) {
    this.stop();
    const number = this.#number;
    this.#running = new AbortController();
    try {
      const answer = await fetch(url, { signal: this.#running.signal, headers: { "X-Requested-With": "fetch" } });
      const found = await read(answer);
      return number === this.#number ? found : null;
    } catch (error) {
      if (number === this.#number && error.name !== "AbortError") console.warn(error.message);
      return null;
    }
  }
}

// As somebody types, the answer follows.

const answers = new Newest();
let waiting = 0;
let slow = 0;
let searched = box.value.trim();
let pushed = false; // one step back for all that is typed in one go

const address = () => `${form.action}?${new URLSearchParams(new FormData(form))}`;

const search = async () => {
  const query = box.value.trim();
  if (query === searched || !query) return;
  const url = address();
  clearTimeout(slow);
  slow = setTimeout(() => document.querySelector("main").classList.add("is-waiting"), SLOW_MS);
  const page = await answers.ask(url, async (answer) =>
    new DOMParser().parseFromString(await answer.text(), "text/html"));
  if (!page) return;
  clearTimeout(slow);
  searched = query;
  document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
  document.body.className = page.body.className;
  document.title = page.title;
  history[pushed ? "replaceState" : "pushState"](null, "", url);
  pushed = true;
  fold();
};

addEventListener("popstate", () => location.reload());

// Suggestions: a combobox, as WAI-ARIA describes it.

const suggested = new Newest();
let chosen = -1;
let telling = 0;

const tell = (words, after = TELL_MS) => {
  clearTimeout(telling);
  telling = setTimeout(() => { told.textContent = words; }, after);
};
const filled = (words, parts) => words.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
const options = () => [...list.children];

const close = () => {
  list.hidden = true;
  list.replaceChildren();
  chosen = -1;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
};

const show = (completions) => {
  close();
  for (const [number, one] of completions.entries()) {
    const option = document.createElement("li");
    option.id = `suggestion-${number}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    const words = document.createElement("span");
    const count = document.createElement("span");
    words.dir = "auto";
    words.textContent = one.text;
    count.className = "count";
    count.setAttribute("aria-hidden", "true");
    count.textContent = one.count;
    option.dataset.text = one.text;
    option.append(words, count);
    option.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    option.addEventListener("click", () => take(one.text));
    option.addEventListener("mousemove", () => choose(number));
    list.append(option);
  }
  list.hidden = completions.length === 0;
  box.setAttribute("aria-expanded", String(!list.hidden));
  const { none, available, availableOne } = form.dataset;
  const said = completions.length === 1 ? availableOne : available;
  tell(completions.length ? filled(said, { count: completions.length }) : none);
};

const choose = (number) => {
  const all = options();
  if (number === chosen) return;
  all[chosen]?.setAttribute("aria-selected", "false");
  chosen = number;
  if (number < 0) {
    box.removeAttribute("aria-activedescendant");
    return;
  }
  all[number].setAttribute("aria-selected", "true");
  box.setAttribute("aria-activedescendant", all[number].id);
  tell(filled(form.dataset.highlighted, { words: all[number].dataset.text, number: number + 1, count: all.length }), 0);
};

const take = (words) => {
  box.value = words;
  suggested.stop();
  clearTimeout(waiting);
  close();
  tell(filled(form.dataset.taken, { words }), 0);
  box.focus();
  search();
};

const suggest = async () => {
  const text = box.value;
  if (!text.trim()) return close();
  const url = `${form.dataset.suggest}?${new URLSearchParams({ q: text, limit: 8 })}`;
  const said = await suggested.ask(url, (answer) => (answer.ok ? answer.json() : { completions: [] }));
  if (said && document.activeElement === box) show(said.completions.filter((one) => one.text !== text));
};

box.setAttribute("role", "combobox");
box.setAttribute("aria-autocomplete", "list");
box.setAttribute("aria-controls", list.id);
box.setAttribute("aria-expanded", "false");

let composing = false; // a syllable that is being put together is nothing to search for yet

const later = () => {
  clearTimeout(waiting);
  answers.stop();
  if (!composing) waiting = setTimeout(() => { suggest(); search(); }, DEBOUNCE_MS);
};
box.addEventListener("compositionstart", () => { composing = true; later(); });
box.addEventListener("compositionend", () => { composing = false; later(); });
box.addEventListener("input", (event) => { if (!event.isComposing) later(); });
box.addEventListener("blur", () => { suggested.stop(); close(); pushed = false; });
box.addEventListener("keydown", (event) => {
  const all = options();
  if (event.isComposing || list.hidden) return;
  const places = all.length + 1; // the box itself is one of them
  const turn = (by) => choose(((chosen + 1 + by + places) % places) - 1);
  if (event.key === "ArrowDown") turn(1);
  else if (event.key === "ArrowUp") turn(-1);
  else if (event.key === "Escape") close();
  else if (event.key === "Enter" && chosen >= 0) take(all[chosen].dataset.text);
  else return;
  event.preventDefault();
});
form.addEventListener("submit", () => { clearTimeout(waiting); answers.stop(); suggested.stop(); close(); });
