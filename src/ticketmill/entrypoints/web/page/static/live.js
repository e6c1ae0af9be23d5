// Keeps the list as it is in the table: by the server's events, or by asking every few seconds where there are
// none. A page of older tickets stays as it is.
"use strict";
(() => {
  const EVENTS = "/api/v1/events";
  const PAUSE_MS = 400; // events come in groups
  const POLL_MS = 5000;
  const CALM_POLL_MS = 60000; // beside events
  const COUNTS_MS = 15000;
  const SURGES_MS = 30000; // where no event tells of them

  let pending = null;
  let countedAt = 0;
  let surgesAt = Date.now();

  function listen() {
    if (!document.querySelector("#list, #surge-list")) return;
    const events = new EventSource(EVENTS);
    let timer = setInterval(refresh, POLL_MS);
    const every = (pause) => {
      clearInterval(timer);
      timer = setInterval(refresh, pause);
    };
    events.addEventListener("open", () => every(CALM_POLL_MS));
    events.addEventListener("error", () => every(POLL_MS));
    for (const kind of ["enriched", "partial", "rejected", "failed", "corrected", "reset"]) {
      events.addEventListener(kind, soon);
    }
    events.addEventListener("surge", refreshSurges);
    document.addEventListener("visibilitychange", soon);
  }

  function refreshSurges() {
    surgesAt = Date.now();
    const [address, id] = document.querySelector("#surge-list")
      ? ["/surges", "#surge-list"]
      : ["/surges/banner", "#surges"];
    if (!document.querySelector(id)?.contains(document.activeElement)) {
      htmx.ajax("GET", address, { source: id, target: id, swap: "outerHTML" });
    }
  }

  function soon() {
    pending ??= setTimeout(refresh, PAUSE_MS);
  }

  async function refresh() {
    clearTimeout(pending);
    pending = null;
    if (!document.hidden && Date.now() - surgesAt > SURGES_MS) refreshSurges();
    const list = document.querySelector("#list");
    if (!list || document.hidden || "isOlder" in list.dataset) return;
    const current = document.querySelector("#ticket")?.dataset.id ?? "";
    const address = `/list?${list.dataset.list}&current=${encodeURIComponent(current)}`;
    await htmx.ajax("GET", address, { source: "#list-pane", target: "#list", swap: "outerMorph" });
    document.dispatchEvent(new CustomEvent("ticketmill:listed"));
    const views = document.querySelector("#views");
    if (Date.now() - countedAt > COUNTS_MS && !views.contains(document.activeElement)) {
      countedAt = Date.now();
      htmx.ajax("GET", `/views?${list.dataset.list}`, { source: "#views", target: "#views" });
    }
  }

  countedAt = Date.now();
  document.addEventListener("DOMContentLoaded", listen);
})();
