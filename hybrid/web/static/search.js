// Comforts only: the page works without this file.
"use strict";

const box = document.getElementById("q");

// "/" goes to the search box, unless something is being typed.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// Settings left as they are do not go into the address.
box.form.addEventListener("formdata", (event) => {
  for (const field of box.form.querySelectorAll("[data-usual]")) {
    if (field.value === field.dataset.usual) event.formData.delete(field.name);
  }
});
