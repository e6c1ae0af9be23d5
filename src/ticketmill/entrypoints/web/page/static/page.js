// Keys, and the ticket beside the list. Everything here is also a link or a button of the page.
"use strict";
(() => {
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const narrow = matchMedia("(max-width: 699px)");
  const SLOW_MS = 1000;

  let chosen = ""; // the task that the next digit speaks of
  let stays = false; // whether its label keeps the ticket
  let labels = 0; // which page of its labels has the digits
  let afterG = false;
  let position = 0; // where the current ticket stands in the list
  let wanted = null; // the ticket whose pane is on its way
  let submitting = false;
  let hadFocus = false; // whether the focus was in the pane that is replaced
  let advances = true;
  const queue = []; // keys that came while the server was asked

  const rows = () => all("#list .row");
  const ticket = () => find("#ticket");
  const indexOf = (id) => rows().findIndex((row) => row.dataset.id === id);
  const link = (row) => find("a", row);
  const currentLink = () => find("#list .row > a[aria-current]");

  function mark(id) {
    for (const row of rows()) {
      if (row.dataset.id === id) link(row).setAttribute("aria-current", "true");
      else link(row).removeAttribute("aria-current");
    }
    const at = indexOf(id);
    if (at >= 0) position = at;
  }

  function tell(text) {
    const mode = find("#mode");
    if (mode) mode.textContent = text;
  }

  // ---- the list

  function open(row) {
    mark(row.dataset.id);
    choose("");
    link(row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    wanted = row.dataset.id;
    const address = link(row).getAttribute("href");
    htmx.ajax("GET", address, { source: "#ticket-pane", target: "#ticket", swap: "outerHTML" });
  }

  function move(step) {
    const at = indexOf(wanted ?? ticket().dataset.id);
    // a ticket that has left the list made room for the one after it
    const next = rows()[at >= 0 ? at + step : step > 0 ? position : position - 1];
    if (next) open(next);
    else if (step > 0) find("#older")?.click();
  }

  function nextId() {
    const at = indexOf(ticket().dataset.id);
    return rows()[at >= 0 ? at + 1 : position]?.dataset.id ?? "";
  }

  // ---- the ticket

  const panel = () => (chosen ? find(`.task[data-task="${chosen}"]`) : null);

  function choose(task, stay = false) {
    chosen = task;
    stays = stay;
    labels = 0;
    for (const each of all(".task")) each.classList.toggle("chosen", each.dataset.task === task);
    showDigits();
  }

  function showDigits() {
    const said = panel();
    if (!said) return tell("");
    for (const each of all("button[data-page]", said)) {
      find("kbd", each).hidden = Number(each.dataset.page) !== labels;
    }
    said.scrollIntoView({ block: "nearest" });
    const more = Number(said.dataset.pages) > 1 ? ", 0 more labels" : "";
    tell(`${chosen}: 1–9 a label${more}, x cannot tell${stays ? "; stays on the ticket" : ""}`);
  }

  function digit(key) {
    const said = panel();
    if (!said) return tell("choose a task first, by its letter");
    const pages = Number(said.dataset.pages);
    if (key === "0" && pages > 1) {
      labels = (labels + 1) % pages;
      return showDigits();
    }
    press(find(`button[data-digit="${key}"][data-page="${labels}"]`, said));
  }

  function press(button) {
    if (!button) return;
    submitting = true;
    button.click();
  }

  function undo() {
    const numbers = (each) => Number(each.dataset.number);
    const own = all('#ticket button[name="undo"]').sort((one, other) => numbers(other) - numbers(one));
    const last = find('#flash button[name="undo"]') ?? own[0];
    if (last) press(last);
    else tell("nothing to undo");
  }

  // What the person says of the first ticket that may be the same matter.
  function same(verdict) {
    const button = find(`#same-say button[name="${verdict}"]`);
    if (button) press(button);
    else tell("no ticket is proposed as the same matter");
  }

  // A new ticket has come into its pane.
  function arrived() {
    const shown = ticket();
    if (!shown) return;
    submitting = false;
    const [task, stay] = [chosen, stays];
    choose("");
    if (stay) choose(task, true);
    if (shown.dataset.address) history.replaceState(history.state, "", shown.dataset.address);
    mark(shown.dataset.id);
    const box = find('input[name="advance"]', shown);
    if (box) box.checked = advances;
    const notice = find(".notice", shown);
    if (notice) notice.focus();
    else if (hadFocus) find("#ticket-title")?.focus();
    else currentLink()?.focus({ preventScroll: true });
    hadFocus = false;
    currentLink()?.scrollIntoView({ block: "nearest" });
    find("#ticket-pane").scrollTop = 0;
    if (!shown.dataset.id && !notice) find("#older")?.click();
    while (queue.length && !submitting && wanted === null) act(queue.shift());
  }

  // ---- keys

  const ACTIONS = {
    j: () => move(1),
    k: () => move(-1),
    o: () => (narrow.matches ? currentLink()?.click() : find("#ticket-title")?.focus()),
    x: () => (panel() ? press(find('button[name="cannot_tell"]', panel())) : tell("choose a task first, by its letter")),
    d: () => same("confirm"),
    n: () => same("deny"),
    z: undo,
    g: () => {
      afterG = true;
      tell("g and the letter of a view");
    },
    Enter: () => press(find("#confirm")),
    Escape: () => {
      choose("");
      currentLink()?.focus();
    },
  };

  function act(key) {
    const letter = key.toLowerCase();
    const said = find(`.task[data-key="${CSS.escape(letter)}"]`);
    if (said && key.length === 1) choose(said.dataset.task, key !== letter);
    else if (/^[0-9]$/.test(key)) digit(key);
    else ACTIONS[key]?.();
  }

  const isOurs = (key) =>
    key in ACTIONS || /^[0-9]$/.test(key) || find(`.task[data-key="${CSS.escape(key.toLowerCase())}"]`) !== null;

  // Enter on a link or a button is theirs; on the open ticket's row it confirms. While an answer comes, the
  // focus is still on the row of the ticket before.
  const isOpenRow = (at) => at === currentLink() || (submitting && at.matches("#list .row > a"));
  const isTheirs = (key, at) =>
    key === "Enter" && !isOpenRow(at) && at.matches("a, button, summary, input, select");

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const at = event.target;
    const isTyping = at.matches("input:not([type=checkbox]), select, textarea");
    if (isTyping && event.key === "Escape") at.blur();
    if (isTyping || find("dialog[open]")) return;
    if (afterG && event.key.length === 1) {
      afterG = false;
      tell("");
      find(`[data-go="${CSS.escape(event.key)}"]`)?.click();
    } else if (event.key === "/") {
      find("#filter").select();
    } else if (event.key === "?") {
      find("#help")?.showModal();
    } else if (ticket() && isOurs(event.key) && !isTheirs(event.key, at)) {
      const isWaiting = submitting || (wanted !== null && !"jk".includes(event.key));
      if (isWaiting) queue.push(event.key);
      else act(event.key);
    } else if (event.key === "g") {
      afterG = true;
    } else {
      return;
    }
    event.preventDefault();
  }

  // ---- what the server answers

  // A ticket that nobody waits for any more, and what is no part of the page, stay out of it.
  function beforeResponse(event) {
    const ctx = event.detail.ctx;
    const kind = ctx.response.headers.get("Content-Type") ?? "";
    if (ctx.target?.id === "ticket" && isLate(ctx)) event.preventDefault();
    else if (!kind.startsWith("text/html")) {
      event.preventDefault();
      ctx.response.raw.json().then(failed, () => failed({}));
    }
  }

  function failed(problem) {
    submitting = false;
    wanted = null;
    queue.length = 0;
    const said = [problem.detail, problem.next].filter(Boolean).join(": ");
    tell(said || "The server does not answer. Nothing was recorded; try again.");
  }

  function beforeRequest(event) {
    const ctx = event.detail.ctx;
    if (ctx.target?.id !== "ticket") return;
    hadFocus = find("#ticket-pane").contains(document.activeElement);
    const waits = ctx;
    setTimeout(() => {
      if (waits.status === "issuing") tell("Waiting for the server …");
    }, SLOW_MS);
  }

  // An answer brings a ticket and a row. The row is marked where it is the ticket's, so the one before it must
  // not be marked any more by then.
  function beforeSwap(event) {
    const pane = event.detail.tasks.find((task) => task.type === "main" && task.target?.id === "ticket");
    const coming = pane && find("#ticket", pane.fragment);
    if (coming) mark(coming.dataset.id);
  }

  // After htmx has made the new forms its own: a key that waits may send one at once. Another ticket may be
  // asked for until then.
  function finished(event) {
    const ctx = event.detail.ctx;
    if (ctx.target?.id !== "ticket" || ctx.status !== "swapped") return;
    setTimeout(() => {
      if (isLate(ctx)) return;
      if (ctx.request.method === "GET") wanted = null;
      arrived();
    });
  }

  const isLate = (ctx) => ctx.request.method === "GET" && ticketOf(ctx) !== wanted;
  const ticketOf = (ctx) => decodeURIComponent(ctx.request.action.split("?")[0].split("/")[2] ?? "");

  function configRequest(event) {
    const ctx = event.detail.ctx;
    if (ctx.sourceElement.id === "same-say") submitting = true;
    if (ctx.sourceElement.id !== "say") return;
    submitting = true;
    ctx.request.body.set("next", nextId());
    if (stays) ctx.request.body.delete("advance");
  }

  function onClick(event) {
    const row = event.target.closest("#list .row > a");
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (row && isPlain && !narrow.matches) {
      event.preventDefault();
      open(row.parentElement);
    } else if (event.target.closest("#help-link") && find("#help")) {
      event.preventDefault();
      find("#help").showModal();
    }
  }

  function start() {
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", onClick);
    document.addEventListener("change", (event) => {
      if (event.target.name === "advance") advances = event.target.checked;
    });
    if (!ticket()) return;
    document.addEventListener("htmx:config:request", configRequest);
    document.addEventListener("htmx:before:request", beforeRequest);
    document.addEventListener("htmx:before:response", beforeResponse);
    document.addEventListener("htmx:before:swap", beforeSwap);
    document.addEventListener("htmx:error", () => failed({}));
    document.addEventListener("ticketmill:listed", () => mark(wanted ?? ticket().dataset.id));
    document.addEventListener("htmx:finally:request", finished);
    mark(ticket().dataset.id);
    document.documentElement.dataset.ready = "";
  }

  document.addEventListener("DOMContentLoaded", start);
})();
