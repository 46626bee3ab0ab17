"use strict";
// The ledger's page: everything a reader chooses stands in the address after "#", and the page follows the address.
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const key = (body) => body.id.slice("claim=".length);
  const detailOf = (body) => document.getElementById("d-" + key(body));
  const table = $("#claims-table");
  const bodies = $$("tbody.claim");
  const inOrder = new Map(bodies.map((body, index) => [body, index]));
  const FIELDS = ["q", "topic", "study", "evidence", "rule", "sort"];
  const ORDER = $$("#view-about dt .badge").map((badge) => badge.textContent.trim());
  const words = new Map(bodies.map((body) => [body, [body.dataset.topic, body.dataset.study, body.textContent,
    ...$$(".why", detailOf(body)).map((why) => why.textContent)].join(" ").toLowerCase()]));

  const state = () => new URLSearchParams(location.hash.slice(1));
  const list = (text) => (text ? text.split(",") : []);

  function change(changes) {
    const next = state();
    for (const name of ["claim", "paper"]) next.delete(name);
    for (const [name, value] of Object.entries(changes)) value ? next.set(name, value) : next.delete(name);
    const hash = "#" + next;
    try { history.replaceState(null, "", hash); } catch { location.replace(hash); }
    apply();
  }

  // ------------------------------------------------------------------------------------------- from address to page
  function apply() {
    const now = state();
    const linked = now.get("claim"), paper = now.get("paper");
    const papers = $$("article.paper");
    const known = papers.find((article) => article.id === "paper=" + paper);
    const view = paper !== null ? "papers" : now.get("view") || "claims";
    for (const section of $$(".view")) section.classList.toggle("current", section.id === "view-" + view);
    if (!$(".view.current")) $("#view-claims").classList.add("current");
    for (const article of papers) article.classList.toggle("current", article === known);
    document.documentElement.classList.toggle("one", Boolean(known));
    for (const link of $$("nav a")) {
      const here = $("#view-" + link.hash.slice("#view=".length)).classList.contains("current");
      here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
    }
    if (view === "figures") gallery();
    if (known) $$("figure.fig", known).forEach(show);
    filter(now);
    sort(now.get("sort") || "");
    const open = new Set(list(now.get("open")).concat(linked || []));
    for (const body of bodies) toggle(body, open.has(key(body)));
    observe();
    if (linked) document.getElementById("claim=" + linked)?.scrollIntoView();
    else if (known) scrollTo(0, 0);
  }

  function filter(now) {
    const linked = now.get("claim");
    for (const name of FIELDS) {
      const control = document.getElementById(name);
      if (control !== document.activeElement || control.tagName === "SELECT") control.value = now.get(name) || "";
    }
    const verdicts = list(now.get("verdict"));
    for (const tile of $$(".tile[data-verdict]")) tile.setAttribute("aria-pressed", verdicts.includes(tile.dataset.verdict));
    $("#surprise")?.setAttribute("aria-pressed", now.has("surprise"));
    const asked = (now.get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const is = (name, value) => !now.get(name) || now.get(name) === value;
    let shown = 0;
    for (const body of bodies) {
      const { topic, study, evidence, rule, verdict } = body.dataset;
      const fits = is("topic", topic) && is("study", study) && is("evidence", evidence)
        && (!now.get("rule") || rule.split(" + ").includes(now.get("rule")))
        && (!verdicts.length || verdicts.includes(verdict))
        && (!now.has("surprise") || "surprise" in body.dataset)
        && asked.every((word) => words.get(body).includes(word));
      body.hidden = !fits && key(body) !== linked;
      shown += !body.hidden;
    }
    $("#shown").textContent = shown === bodies.length ? `${shown} claims` : `${shown} of ${bodies.length} claims`;
    $("#none").hidden = shown > 0;
    table.hidden = shown === 0;
  }

  function sort(by) {
    const name = by.replace("-", ""), sign = by.startsWith("-") ? -1 : 1;
    const rank = {
      verdict: (body) => ORDER.indexOf(body.dataset.verdict),
      surprise: (body) => ("surprise" in body.dataset ? 0 : 1),
      n: (body) => Number(body.dataset.n),
      cost: (body) => Number(body.dataset.cost || 0),
    }[name] || (() => 0);
    const sorted = [...bodies].sort((a, b) => sign * (rank(a) - rank(b)) || inOrder.get(a) - inOrder.get(b));
    if (sorted.some((body, index) => table.tBodies[index] !== body)) {
      const focused = document.activeElement;
      table.append(...sorted);
      if (table.contains(focused)) focused.focus({ preventScroll: true });
    }
    for (const head of $$("th[data-sort]")) {
      head.dataset.sort === name ? head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending") : head.removeAttribute("aria-sort");
    }
  }

  // A row opens with what the paper's report holds of its claim, its figures beside it.
  function toggle(body, open) {
    const button = $("button.open", body);
    if ((button.getAttribute("aria-expanded") === "true") === open) return;
    button.setAttribute("aria-expanded", open);
    body.classList.toggle("opened", open);
    $("tr.detail", body)?.remove();
    if (!open) return;
    const row = body.insertRow();
    row.className = "detail";
    row.setAttribute("role", "row");
    const cell = row.insertCell();
    cell.colSpan = 8;
    cell.setAttribute("role", "cell");
    const panel = document.createElement("div");
    panel.className = "panel";
    const figures = $$("figure.fig", document.getElementById("paper=" + body.dataset.study))
      .filter((figure) => figure.dataset.claims.split(" ").includes(key(body).split(".")[1]));
    const pictures = document.createElement("div");
    pictures.append(...figures.map((figure) => figure.cloneNode(true)));
    const head = document.createElement("h3");
    head.className = "sr";
    head.textContent = "Behind claim " + key(body).split(".")[1];
    panel.append($(".facts", detailOf(body)).cloneNode(true));
    figures.length ? panel.prepend(pictures) : panel.classList.add("bare");
    cell.append(head, panel);
    $$("figure.fig", panel).forEach(show);
  }

  // ---------------------------------------------------------------------------------------------------------- figures
  const ready = new Promise((done) => addEventListener("DOMContentLoaded", done));
  const urls = new Map();

  async function unpack(name) {
    let store = document.getElementById("f-" + name);
    if (!store) { await ready; store = document.getElementById("f-" + name); }
    const bytes = Uint8Array.from(atob(store.textContent), (letter) => letter.charCodeAt(0));
    if (store.dataset.form === "webp") return URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
    const text = new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
    return URL.createObjectURL(new Blob([await text.arrayBuffer()], { type: "image/svg+xml" }));
  }

  async function show(figure) {
    const image = $("img", figure), name = figure.dataset.fig;
    if (!image || image.src) return;
    if (!urls.has(name)) urls.set(name, unpack(name));
    image.src = await urls.get(name);
    await image.decode().catch(() => {});
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); show(entry.target); }
  }, { rootMargin: "400px" });
  const observe = () => $$(".view.current figure.fig").forEach((figure) => seen.observe(figure));

  function gallery() {
    if ($("#gallery").childElementCount) return;
    for (const article of $$("article.paper")) {
      const figures = $$("figure.fig", article);
      if (!figures.length) continue;
      const title = document.createElement("h3"), link = document.createElement("a"), grid = document.createElement("div");
      link.href = "#" + article.id;
      link.textContent = $("h2", article).textContent;
      title.append(link);
      grid.className = "figs";
      grid.append(...figures.map((figure) => figure.cloneNode(true)));
      $("#gallery").append(title, grid);
    }
  }

  // ------------------------------------------------------------------------------------------------- what readers do
  const openKeys = () => bodies.filter((body) => body.classList.contains("opened")).map(key);

  function press(body) {
    const open = new Set(openKeys());
    open.has(key(body)) ? open.delete(key(body)) : open.add(key(body));
    change({ open: [...open].join(",") });
  }

  async function copy(button) {
    const text = button.id === "link" ? location.href : button.dataset.copy;
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    const before = button.innerHTML;
    button.textContent = "Copied";
    setTimeout(() => { button.innerHTML = before; }, 1500);
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    if (at(".copy")) return copy(at(".copy"));
    if (at(".frame")) {
      $("#zoom img").src = $("img", at(".frame")).src;
      $("#zoom img").alt = $("img", at(".frame")).alt.replace(" (enlarge)", "");
      return $("#zoom").showModal();
    }
    if (at("#close") || event.target === $("#zoom")) return $("#zoom").close();
    if (at(".tile[data-verdict]")) {
      const chosen = new Set(list(state().get("verdict"))), verdict = at(".tile").dataset.verdict;
      chosen.has(verdict) ? chosen.delete(verdict) : chosen.add(verdict);
      return change({ verdict: [...chosen].join(",") });
    }
    if (at("#surprise")) return change({ surprise: state().has("surprise") ? "" : "1" });
    if (at("[data-topic].topicname")) {
      const topic = at(".topicname").dataset.topic;
      return change({ topic: state().get("topic") === topic ? "" : topic });
    }
    if (at("[data-go]")) { location.hash = "#claim=" + at("[data-go]").dataset.go; return; }
    if (at("#clear") || at(".clear")) { $("#q").value = ""; return change(Object.fromEntries([...FIELDS, "verdict", "surprise", "open"].map((name) => [name, ""]))); }
    if (at("th[data-sort]")) {
      const name = at("th").dataset.sort, now = state().get("sort");
      return change({ sort: now === name ? "-" + name : now === "-" + name ? "" : name });
    }
    if (at("#print")) return Promise.all($$(".view.current figure.fig").filter((f) => f.offsetParent).map(show)).then(() => print());
    const row = at("tbody.claim > tr:first-child");
    if (row && (at("button.open") || (!at("a, button") && !String(getSelection())))) press(row.parentElement);
  });

  for (const name of FIELDS) document.getElementById(name).addEventListener("input", (event) => change({ [name]: event.target.value.trim() }));

  table.addEventListener("keydown", (event) => {
    const button = event.target.closest("button.open");
    const way = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!button || !way) return;
    const all = $$("tbody.claim:not([hidden]) button.open");
    const next = Math.min(Math.max(all.indexOf(button) + way, 0), all.length - 1);
    all[next].focus();
    event.preventDefault();
  });

  addEventListener("hashchange", apply);
  apply();
})();
