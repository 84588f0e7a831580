"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const LABELS = JSON.parse($("#labels").textContent);
  const RANK = { critical: 3, major: 2, minor: 1, neutral: 0 };
  const list = $(".beads");
  const form = $(".filters");
  let language = "en";
  let current = null;
  let barHeight = 0;
  let alsoWanted = () => true; // what else an issue must be to be shown
  let onLanguage = () => {};

  const rows = $$(".beads > li").map((element, order) => {
    const issues = $$("details.issue", element);
    const gravity = Math.max(-1, ...issues.map((issue) => RANK[issue.dataset.severity]));
    return { element, order, issues, gravity, fidelity: "f" in element.dataset ? +element.dataset.f : 1 };
  });

  // ------------------------------------------------------------------ language
  const label = (key) => LABELS[key]?.[language] ?? key;

  function setLanguage(value) {
    language = value;
    document.documentElement.lang = value;
    for (const element of $$("[data-t]")) element.textContent = label(element.dataset.t);
    for (const element of $$("[data-label]")) element.setAttribute("aria-label", label(element.dataset.label));
    for (const element of $$(".null[lang], .issue[lang]")) element.lang = value;
    const button = $("#language");
    button.textContent = value === "en" ? "中文" : "English";
    button.lang = value === "en" ? "zh" : "en";
    try { localStorage.setItem("bitext-language", value); } catch { /* private window */ }
    onLanguage();
    filter();
  }

  function savedLanguage() {
    try { return localStorage.getItem("bitext-language"); } catch { return null; }
  }

  // ------------------------------------------------------------------- filters
  const chips = $$(".chip");
  for (const chip of chips) {
    const count = $$(`details.issue[data-severity="${chip.dataset.severity}"]`).length;
    $(".n", chip).textContent = count;
    chip.hidden = !count;
  }

  function filter() {
    const severities = new Set(chips.filter((c) => c.ariaPressed === "true").map((c) => c.dataset.severity));
    const check = $("#check").value;
    const atMost = +$("#at-most").value;
    const all = severities.size === chips.length && !check;
    const flagged = $("#flagged").checked || !all || $("#undecided:checked");
    const wanted = (issue) => severities.has(issue.dataset.severity) && (!check || issue.dataset.check === check) && alsoWanted(issue);
    let shown = 0;
    for (const row of rows) {
      const kept = row.issues.filter(wanted);
      for (const issue of row.issues) issue.classList.toggle("off", !kept.includes(issue));
      row.element.hidden = (flagged && !kept.length) || (atMost < 1 && row.fidelity > atMost + 1e-9);
      row.flagged = kept.length > 0;
      shown += !row.element.hidden;
    }
    $("#at-most-value").textContent = atMost.toFixed(2);
    $("#status").textContent = `${shown} / ${rows.length} ${label("beads")}`;
    $("#nothing").hidden = shown > 0;
    $("button[type=reset]", form).hidden = shown === rows.length && !$("#worst-first").checked;
  }

  function sort() {
    const worst = (a, b) => b.gravity - a.gravity || a.fidelity - b.fidelity || a.order - b.order;
    rows.sort($("#worst-first").checked ? worst : (a, b) => a.order - b.order);
    list.append(...rows.map((row) => row.element));
  }

  function update() { sort(); filter(); measure(); }

  for (const chip of chips) {
    chip.addEventListener("click", () => { chip.ariaPressed = String(chip.ariaPressed !== "true"); filter(); });
  }
  form.addEventListener("input", (event) => (event.target.id === "worst-first" ? update() : filter()));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    for (const chip of chips) chip.ariaPressed = "true";
    setTimeout(update);
  });
  $("#all-issues")?.addEventListener("click", () => {
    $("#flagged").checked = $("#worst-first").checked = true;
    update();
    const first = rows.find((row) => !row.element.hidden);
    if (first) go(first.element);
  });

  // ---------------------------------------------------------------- navigation
  function select(element) {
    current?.classList.remove("current");
    current = element;
    current.classList.add("current");
    current.tabIndex = -1;
    current.focus({ preventScroll: true });
  }

  function go(element) {
    const row = element.closest("li.r");
    if (row.hidden) { form.reset(); for (const chip of chips) chip.ariaPressed = "true"; update(); }
    if (element.matches("details")) element.open = true;
    select(row);
    const land = () => row.scrollIntoView({ block: "start" });
    land();
    requestAnimationFrame(() => requestAnimationFrame(land)); // rows get their real height only when they come near
  }

  function step(direction, flaggedOnly) {
    const visible = rows.filter((row) => !row.element.hidden);
    const started = current && !current.hidden;
    const from = visible.findIndex((row) => row.element === (started ? current : topmost()));
    for (let i = started ? from + direction : from; i >= 0 && i < visible.length; i += direction) {
      if (!flaggedOnly || visible[i].flagged) return go(visible[i].element);
    }
  }

  function topmost() {
    const box = list.getBoundingClientRect();
    const top = Math.max(box.top, barHeight) + 12;
    const under = document.elementFromPoint(box.left + box.width / 2, Math.min(top, innerHeight - 1));
    return under?.closest("li.r") ?? rows.find((row) => !row.element.hidden)?.element;
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#b"], a[href^="#i"]');
    const place = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!place?.closest("li.r")) return;
    event.preventDefault();
    if (link.matches(".m")) {
      for (const id of link.dataset.i.split(" ")) document.getElementById(id).open = true;
      select(link.closest("li.r"));
      place.scrollIntoView({ block: "nearest" });
    } else go(place);
  });

  let lit = []; // both underlines and the card of the issue under the pointer
  for (const name of ["pointerover", "focusin"]) {
    document.addEventListener(name, (event) => {
      const element = event.target.closest?.(".beads .m, details.issue");
      const ids = element ? (element.dataset.i ?? element.id).split(" ") : [];
      for (const old of lit) old.classList.remove("on");
      lit = ids.flatMap((id) => $$(`#${id}, .m[data-i~="${id}"]`, element.closest("li.r")));
      for (const one of lit) one.classList.add("on");
    });
  }

  const keys = {
    j: () => step(1, true),
    k: () => step(-1, true),
    J: () => step(1, false),
    K: () => step(-1, false),
    f: () => $("#flagged").click(),
    w: () => $("#worst-first").click(),
    l: () => $("#language").click(),
    "?": () => $("#help").showModal(),
    o: () => {
      const details = current ? $$("details.issue", current) : [];
      const open = details.some((d) => !d.open);
      for (const d of details) d.open = open;
    },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("#help").open) return;
    if (event.target.matches?.("input:not([type=checkbox]), select, textarea")) return;
    const action = keys[event.key];
    if (action) { event.preventDefault(); action(); }
  });
  $("#help-open").addEventListener("click", () => $("#help").showModal());
  $("#language").addEventListener("click", () => setLanguage(language === "en" ? "zh" : "en"));

  // ------------------------------------------------------------------- profile
  const strips = $$(".profile svg").map((svg) => ({
    svg, target: svg.dataset.target, n: +svg.dataset.beads,
    cursor: $(".cursor", svg), readout: svg.parentElement.querySelector(".readout"),
  }));

  for (const strip of strips) {
    const beadAt = (event) => {
      const box = strip.svg.getBoundingClientRect();
      const at = Math.floor(((event.clientX - box.left) / box.width) * strip.n);
      return Math.min(strip.n - 1, Math.max(0, at));
    };
    strip.svg.addEventListener("pointermove", (event) => show(strip, beadAt(event)));
    strip.svg.addEventListener("click", (event) => {
      if (event.target.closest("a")) return;
      go(document.getElementById(`b${strip.target}-${beadAt(event)}`));
    });
  }

  function show(strip, bead) {
    const gutter = document.getElementById(`b${strip.target}-${bead}`);
    const parts = [`#${bead}`, $(".f", gutter)?.textContent, gutter.dataset.p && `${gutter.dataset.p} MAD`];
    strip.readout.textContent = parts.filter(Boolean).join(" · ");
  }

  function follow() {
    const row = topmost();
    for (const strip of strips) {
      const gutter = row && $(`.cg${strip.target}[id]`, row);
      if (!gutter) continue;
      const bead = +gutter.id.split("-")[1];
      strip.cursor.setAttribute("d", `M${bead}.5 0v40`);
      show(strip, bead);
    }
  }

  // -------------------------------------------------------------------- layout
  function measure() {
    const bar = $(".bar");
    barHeight = getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0;
    document.documentElement.style.setProperty("--bar-height", `${barHeight}px`);
  }

  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; follow(); });
  }, { passive: true });
  addEventListener("resize", measure);
  addEventListener("beforeprint", () => { for (const d of $$("details")) d.open = true; });

  // @review

  setLanguage(savedLanguage() ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  measure();
  follow();
  const place = document.getElementById(location.hash.slice(1));
  if (place?.closest("li.r")) go(place);
})();
