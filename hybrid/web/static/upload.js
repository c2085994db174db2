// Sends the file with progress; without this script the form is sent as any other, and a page tells the outcome.
(() => {
"use strict";
const form = document.getElementById("upload");
const at = (id) => document.getElementById(id);

function told(state) {
  const counts = Object.entries(state.counts).sort().map(([outcome, count]) => `${count.toLocaleString("en")} ${outcome}`);
  at("told").textContent = [`${state.done ? "Done: " : ""}${state.rows.toLocaleString("en")} rows`, ...counts].join(", ")
    + (state.error ? `. It ended early: ${state.error}` : "");
  for (const one of state.rejected || []) {
    const item = document.createElement("li");
    item.textContent = `${[one.at, one.id].filter(Boolean).join(", ")}: ${one.reason}`;
    at("rejected").append(item);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  let read = 0;
  at("progress").hidden = false;
  at("rejected").replaceChildren();
  at("told").textContent = "Sending…";
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
    at("told").textContent = "The connection broke. Send the file again: what is there already stays as it is.";
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
