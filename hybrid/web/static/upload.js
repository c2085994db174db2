// Sends the file with progress; without this script the form is sent as any other, and a page tells the outcome.
(() => {
"use strict";
const form = document.getElementById("upload");
const words = JSON.parse(form.dataset.words);
const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const many = (what, count) => fill((words.counts[what] || [what, what])[count === 1 ? 0 : 1], { count: count.toLocaleString("en") });
const place = (where) => (where || "").replace(/^line (\d+)$/, (_, line) => fill(words.line, { line }));
const at = (id) => document.getElementById(id);

function told(state) {
  const counts = Object.entries(state.counts).sort().map(([outcome, count]) => many(outcome, count));
  let said = [many("rows", state.rows), ...counts].join(", ");
  if (state.done) said = fill(words.done, { said });
  at("told").textContent = state.error ? fill(words.ended_early, { said, why: state.error }) : said;
  for (const one of state.rejected || []) {
    const item = document.createElement("li");
    item.textContent = `${[place(one.at), one.id].filter(Boolean).join(", ")}: ${one.reason}`;
    at("rejected").append(item);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  let read = 0;
  at("progress").hidden = false;
  at("rejected").replaceChildren();
  at("told").textContent = words.sending;
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/x-ndjson");
  request.upload.addEventListener("progress", (sent) => { at("bar").value = sent.loaded / sent.total; });
  request.addEventListener("progress", lines);
  request.addEventListener("load", () => {
    if (request.status !== 200) {
      at("told").textContent = JSON.parse(request.responseText).detail;
      return;
    }
    lines();
  });
  request.addEventListener("error", () => {
    at("told").textContent = words.broke;
  });
  request.send(new FormData(form));

  function lines() {
    if (request.status !== 200) return;
    const end = request.responseText.lastIndexOf("\n") + 1;
    for (const line of request.responseText.slice(read, end).split("\n")) {
      if (line) told(JSON.parse(line));
    }
    read = end;
  }
});
})();
