// Shows how far a run is, and the result when it is there. Without this script the page has a link to look again.
(() => {
"use strict";
const bar = document.getElementById("bar");

async function look() {
  const run = await (await fetch(bar.dataset.url)).json();
  if (run.state !== "running") { location.reload(); return; }
  bar.value = run.done;
  document.getElementById("asked").textContent = run.done;
  setTimeout(look, 500);
}

look();
})();
