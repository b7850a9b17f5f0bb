for (const e of document.querySelectorAll("time")) {
  const t = new Date(e.dateTime);
  if (!isNaN(t)) { e.title = e.textContent; e.textContent = t.toLocaleString([], { dateStyle: "medium", timeStyle: "short" }); }
}
