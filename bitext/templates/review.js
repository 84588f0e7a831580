  // -------------------------------------------------------------------- review
  // Part of report.js, in the page that `bitext review` serves: decisions go back to the server that sent the page.
  const REVIEW = JSON.parse($("#review").textContent);
  const decisions = new Map(Object.entries(REVIEW.decisions));
  const cards = $$("details.issue");
  const formOf = (id) => $(`#${id} .decide`);

  function paint(id) {
    const made = decisions.get(id);
    for (const place of [document.getElementById(id), ...$$(`.card[data-of="${id}"]`)]) {
      if (made) place.dataset.decision = made.decision; else delete place.dataset.decision;
      for (const button of $$("[data-decide]", place)) button.ariaPressed = String(button.dataset.decide === made?.decision);
    }
    const state = $(`#${id} .state`);
    state.dataset.t = made ? made.decision : "";
    state.textContent = made ? label(made.decision) : "";
    state.hidden = !made;
    const advice = $(`#${id} > summary .suggestion strong`);
    if (advice) advice.textContent = made?.suggestion || formOf(id).elements.suggestion.defaultValue;
  }

  function count() { $("#decided").textContent = `${decisions.size} / ${cards.length} ${label("decided")}`; }

  let silence = 0;
  function say(key, detail) {
    const line = $("#saved");
    line.textContent = detail ? `${label(key)}: ${detail}` : label(key);
    line.classList.toggle("failed", key === "not-saved");
    clearTimeout(silence);
    if (key !== "not-saved") silence = setTimeout(() => { line.textContent = ""; }, 2500);
  }

  async function decide(id, decision) {
    const { suggestion, reason, term } = formOf(id).elements;
    const made = { decision, suggestion: suggestion.value, reason: reason.value, term: Boolean(term?.checked) };
    let answer;
    try {
      const options = { method: "POST", headers: { "Content-Type": "application/json" } };
      const response = await fetch("decisions", { ...options, body: JSON.stringify({ issue: id, ...made }) });
      answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
    } catch (error) {
      say("not-saved", error.message);
      return false;
    }
    if (decision === "open") decisions.delete(id); else decisions.set(id, made);
    paint(id);
    count();
    filter();
    say("saved");
    return true;
  }

  const toggled = (id, decision) => (decisions.get(id)?.decision === decision ? "open" : decision);

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-decide]");
    if (!button) return;
    const id = button.closest(".card")?.dataset.of ?? button.closest("details.issue").id;
    decide(id, toggled(id, button.dataset.decide));
  });
  for (const form of $$(".decide")) {
    const { id } = form.closest("details.issue");
    form.addEventListener("change", () => { if (decisions.has(id)) decide(id, decisions.get(id).decision); });
    form.addEventListener("keydown", (event) => {
      if (event.isComposing || !event.target.matches("input:not([type=checkbox])")) return;
      if (event.key === "Enter") { event.preventDefault(); decide(id, "accepted"); }
      if (event.key === "Escape") { event.target.blur(); select(form.closest("li.r")); }
    });
  }

  alsoWanted = (issue) => !$("#undecided").checked || !decisions.has(issue.id);

  function active() {
    const focused = document.activeElement?.closest?.("details.issue");
    if (focused) return focused;
    const here = current ? $$("details.issue:not(.off)", current) : [];
    return here.find((issue) => !decisions.has(issue.id)) ?? here[0];
  }

  function reveal() {
    const issue = active();
    if (issue) issue.open = true;
  }

  async function press(decision) {
    const issue = active();
    if (!issue) { step(1, true); return reveal(); }
    const wanted = toggled(issue.id, decision);
    if (!(await decide(issue.id, wanted)) || wanted === "open") return;
    issue.open = false;
    const order = rows.filter((row) => !row.element.hidden).flatMap((row) => row.issues.filter((i) => !i.classList.contains("off")));
    const left = (issues) => issues.find((i) => !decisions.has(i.id));
    const at = cards.indexOf(issue);
    const next = left(order.filter((i) => cards.indexOf(i) > at)) ?? left(order);
    if (next) go(next);
  }

  const { j, k } = keys;
  Object.assign(keys, {
    j: () => { j(); reveal(); },
    k: () => { k(); reveal(); },
    a: () => press("accepted"),
    x: () => press("rejected"),
    e: () => { reveal(); const issue = active(); if (issue) formOf(issue.id).elements.suggestion.focus(); },
    u: () => $("#undecided").click(),
  });

  for (const [id, made] of decisions) {
    const { suggestion, reason, term } = formOf(id).elements;
    if (made.suggestion) suggestion.value = made.suggestion;
    reason.value = made.reason;
    if (term) term.checked = made.term;
    paint(id);
  }
  onLanguage = count;
