// Progressive enhancement only: every page works without this file. No inline code, no eval.
"use strict";

(() => {
  const announce = (text) => {
    const region = document.getElementById("announcer");
    if (region) region.textContent = text;
  };

  // Confirmation: without this the server asks on a page of its own.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const dialog = document.getElementById("confirm-dialog");
    if (!form.dataset.confirm || form.elements.confirmed || !dialog?.showModal) return;
    event.preventDefault();
    document.getElementById("confirm-title").textContent = form.dataset.confirm;
    const text = document.getElementById("confirm-text");
    text.textContent = form.dataset.confirmText || "";
    text.hidden = !text.textContent;
    document.getElementById("confirm-yes").textContent = form.dataset.confirmLabel;
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "confirmed", value: "yes" });
      form.append(field);
      form.requestSubmit(event.submitter);
    }, { once: true });
    dialog.showModal();
  });

  // Menus close with Escape, with a click elsewhere, and when another one opens.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement?.closest("details.menu[open]");
    closeMenus();
    menu?.querySelector("summary").focus();
  });

  // Copying a link or a text; the button is hidden without a script.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const isText = button.dataset.copyAs === "text";
    try {
      await navigator.clipboard.writeText(isText ? button.dataset.copy : new URL(button.dataset.copy, location.href).href);
      button.lastElementChild.textContent = button.dataset.copied;
      announce(button.dataset.copied);
    } catch {
      if (!isText) location.href = button.dataset.copy;
    }
  });

  // Printing; without a script the browser's own menu does it.
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });

  // How many characters are left.
  const count = (hint) => {
    const field = document.getElementById(hint.dataset.counter);
    const left = Number(hint.dataset.limit) - field.value.length;
    if (left > 400) return;
    hint.textContent = hint.dataset.left.replace("#", left.toLocaleString(document.documentElement.lang));
  };
  document.addEventListener("input", (event) => {
    const id = event.target.id;
    const hint = id && document.querySelector(`[data-counter="${CSS.escape(id)}"]`);
    if (hint) count(hint);
  });

  // Files that the server would refuse once all of them have come are refused when they are chosen.
  const MEGABYTE = 1024 * 1024;
  document.addEventListener("change", (event) => {
    const field = event.target;
    const told = field.type === "file" && document.getElementById(`${field.id}-size`);
    if (!told) return;
    const { most, mostTogether, tooLarge, tooMuch } = told.dataset;
    // The server makes pictures smaller by itself.
    const isTooLarge = (file) => !file.type.startsWith("image/") && file.size > most * MEGABYTE;
    const large = [...field.files].find(isTooLarge);
    const kept = new DataTransfer();
    for (const file of field.files) if (!isTooLarge(file)) kept.items.add(file);
    if (large) field.files = kept.files;
    const chosen = [...field.form.querySelectorAll("[type='file']")].flatMap((one) => [...one.files]);
    const isTooMuch = chosen.reduce((sum, file) => sum + file.size, 0) > mostTogether * MEGABYTE;
    if (isTooMuch) field.value = "";
    told.lastElementChild.textContent = large ? tooLarge.replace("#", large.name) : isTooMuch ? tooMuch : "";
    told.hidden = !large && !isTooMuch;
  });

  // Rows of a list: adding clones the last row, removing renumbers nothing (the server compacts).
  const nextNumber = (rows, name) => {
    const pattern = new RegExp(`^${name.replace(/[^\w]/g, "\\$&")}-(\\d+)`);
    const numbers = [...rows.querySelectorAll("[name]")].map((field) => Number(field.name.match(pattern)?.[1] ?? -1));
    return Math.max(...numbers) + 1;
  };
  const addRow = (rows) => {
    const last = [...rows.querySelectorAll("[data-row]")].pop();
    const row = last.cloneNode(true);
    const name = rows.dataset.rows;
    const from = new RegExp(`^${name.replace(/[^\w]/g, "\\$&")}-\\d+`);
    const to = `${name}-${nextNumber(rows, name)}`;
    for (const element of row.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
      for (const attribute of ["name", "id", "for", "aria-describedby"]) {
        const value = element.getAttribute(attribute);
        if (value) element.setAttribute(attribute, value.split(" ").map((part) => part.replace(from, to)).join(" "));
      }
      element.removeAttribute("aria-invalid");
      if (element.type === "checkbox" || element.type === "radio") element.checked = false;
      else if (element.tagName === "SELECT") element.selectedIndex = 0;
      else if ("value" in element && element.tagName !== "BUTTON") element.value = "";
    }
    for (const box of row.querySelectorAll(".picker")) {
      // The copy gets suggestions of its own.
      const field = box.querySelector("[data-pick]");
      for (const name of ["suggest", "hxGet", "hxTrigger", "hxTarget", "hxSync", "hxInclude"]) delete field.dataset[name];
      for (const name of ["role", "aria-expanded", "aria-controls", "aria-autocomplete", "aria-activedescendant"]) field.removeAttribute(name);
      box.replaceWith(field);
    }
    for (const error of row.querySelectorAll(".field-error")) error.remove();
    for (const field of row.querySelectorAll("[data-invalid]")) field.removeAttribute("data-invalid");
    last.after(row);
    for (const field of row.querySelectorAll("[data-pick]")) preparePicker(field);
    row.querySelector("input, select, textarea")?.focus();
  };
  const limitRows = (rows) => {
    const found = rows.querySelectorAll("[data-row]").length;
    const most = Number(rows.dataset.rowsMax || 100);
    rows.querySelector("[name='add-row']").disabled = found >= most;
    for (const button of rows.querySelectorAll("[data-remove-row]")) button.hidden = found < 2;
  };
  const prepareRow = (rows, row) => {
    if (row.querySelector("[data-remove-row]")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.dataset.variant = "quiet";
    button.dataset.size = "small";
    button.dataset.removeRow = "";
    button.textContent = rows.dataset.rowsRemove;
    row.append(button);
  };
  const prepareRows = (rows) => {
    for (const row of rows.querySelectorAll("[data-row]")) prepareRow(rows, row);
    limitRows(rows);
  };
  document.addEventListener("click", (event) => {
    const add = event.target.closest("[name='add-row']");
    const remove = event.target.closest("[data-remove-row]");
    const rows = (add || remove)?.closest("[data-rows]");
    if (!rows) return;
    if (add && rows.querySelector("[data-row]")) {
      event.preventDefault();
      addRow(rows);
    } else if (remove) {
      const row = remove.closest("[data-row]");
      const neighbor = row.previousElementSibling?.matches("[data-row]") ? row.previousElementSibling : row.nextElementSibling;
      row.remove();
      neighbor.querySelector("input, select, textarea, button")?.focus();
    }
    if (add || remove) prepareRows(rows);
    rows.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // Long lists of check boxes get a box that narrows them, and say what is chosen.
  const prepareChoices = (list) => {
    const field = document.createElement("input");
    Object.assign(field, { type: "search", className: "control", placeholder: list.dataset.filterLabel });
    field.setAttribute("aria-label", list.dataset.filterLabel);
    const none = document.createElement("p");
    Object.assign(none, { className: "field-help", hidden: true, textContent: list.dataset.filterNone });
    const chosen = document.createElement("p");
    chosen.className = "field-help";
    const show = () => {
      const names = [...list.querySelectorAll("input:checked")].map((box) => box.nextElementSibling.textContent.trim());
      chosen.textContent = `${list.dataset.filterChosen} ${names.join(", ")}`;
      chosen.hidden = !names.length;
    };
    field.addEventListener("input", (event) => {
      event.stopPropagation();
      const wanted = field.value.trim().toLowerCase();
      let found = 0;
      for (const choice of list.querySelectorAll(".choice")) {
        choice.hidden = !choice.textContent.toLowerCase().includes(wanted);
        found += choice.hidden ? 0 : 1;
      }
      for (const group of list.querySelectorAll(".choice-group")) group.hidden = !group.querySelector(".choice:not([hidden])");
      none.hidden = found > 0;
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    list.addEventListener("change", show);
    list.before(field);
    list.after(none, chosen);
    show();
  };

  // What is typed into a text, or a long form, is kept in this tab until it has been saved.
  const DRAFT = "draft:";
  const SENT = ":sent";
  const DRAFTED = "form[data-draft], main form[method='post']:has(textarea)";
  // What a form was made from belongs to what was typed over it.
  const MADE_FROM = "made_from";
  const isTicked = (field) => ["checkbox", "radio"].includes(field.type);
  const fieldsOf = (form) => [...form.elements].filter((field) =>
    field.name && (field.name === MADE_FROM || !["hidden", "password", "file", "submit", "button"].includes(field.type)));
  const readForm = (form) => JSON.stringify(fieldsOf(form).map((field) =>
    isTicked(field) ? [field.name, field.value, field.checked] : [field.name, field.value]));
  const writeForm = (form, text) => {
    const values = JSON.parse(text);
    for (const rows of form.querySelectorAll("[data-rows]")) {
      const wanted = new Set(values.map(([name]) => name.match(`^${rows.dataset.rows}-(\\d+)`)?.[1]).filter(Boolean)).size;
      while (rows.querySelector("[data-row]") && rows.querySelectorAll("[data-row]").length < wanted) addRow(rows);
      prepareRows(rows);
    }
    const seen = new Map();
    for (const field of fieldsOf(form)) {
      const same = values.filter(([name]) => name === field.name);
      if (isTicked(field)) {
        // By its value: rows may have come or gone before it.
        const found = same.find(([, value]) => value === field.value);
        if (found) field.checked = found[2];
        continue;
      }
      const position = seen.get(field.name) || 0;
      seen.set(field.name, position + 1);
      if (position >= same.length) continue;
      const value = same[position][1];
      if (!field.options || [...field.options].some((option) => option.value === value)) field.value = value;
    }
  };
  const drafts = new Map();
  const pageOfDrafts = () => `${DRAFT}${location.pathname}${location.search}:`;
  const prepareDraft = (form) => {
    // Forms that go to one address are told apart by what they send along unseen.
    const unseen = [...form.querySelectorAll("[type='hidden']:not([name='csrf_token'], [name='made_from'])")].map((field) => field.value);
    const name = form.dataset.draft || [form.getAttribute("action"), ...unseen].join(" ");
    const keyHere = () => pageOfDrafts() + name;
    const keep = () => sessionStorage.setItem(keyHere(), readForm(form));
    const kept = sessionStorage.getItem(keyHere());
    sessionStorage.removeItem(keyHere() + SENT);
    if (form.querySelector(".error-summary")) keep();
    else if (kept && kept !== readForm(form)) {
      writeForm(form, kept);
      const notice = document.getElementById("draft-notice").content.cloneNode(true);
      notice.querySelector("button").addEventListener("click", () => {
        sessionStorage.removeItem(keyHere());
        location.reload();
      });
      form.prepend(notice);
    }
    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
    drafts.set(form, keyHere);
    if (form.dataset.keep) prepareKeeping(form, keyHere);
  };
  // Where the portal keeps drafts itself, it gets the form a few seconds after the last key. From
  // then on this is the form of that draft, so that nothing is written twice.
  const KEEP_AFTER = 4000;
  const prepareKeeping = (form, keyHere) => {
    const told = form.querySelector("[data-kept]");
    let timer;
    let sending = null;
    const send = async () => {
      const typed = readForm(form);
      const data = new FormData(form);
      for (const field of form.querySelectorAll("[type='file']")) data.delete(field.name);
      try {
        const reply = await fetch(form.dataset.keep, { method: "POST", body: data, headers: { Accept: "application/json" } });
        const answer = await reply.json();
        told.textContent = answer.message || told.dataset.failed;
        if (!reply.ok) return;
        const isAsSent = readForm(form) === typed;
        const madeFrom = form.elements[MADE_FROM] || document.createElement("input");
        Object.assign(madeFrom, { type: "hidden", name: MADE_FROM, value: answer[MADE_FROM] });
        form.append(madeFrom);
        if (isAsSent) sessionStorage.removeItem(keyHere());
        else sessionStorage.setItem(keyHere(), readForm(form));
        if (location.pathname !== answer.url) {
          sessionStorage.removeItem(keyHere());
          history.replaceState(null, "", answer.url);
          form.action = answer.url;
          form.dataset.keep = answer.keep;
        }
        document.getElementById("quality").innerHTML = answer.quality;
      } catch {
        told.textContent = told.dataset.failed;
      }
    };
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (sending) later();
        else sending = send().finally(() => { sending = null; });
      }, KEEP_AFTER);
    };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
    form.addEventListener("submit", (event) => {
      clearTimeout(timer);
      if (!sending) return;
      event.preventDefault();
      sending.finally(() => form.requestSubmit(event.submitter));
    });
  };
  const settleDrafts = () => {
    const person = document.querySelector("[data-person]")?.dataset.person;
    // What one person typed is not shown to another who signs in here.
    if (person && person !== (sessionStorage.getItem("person") || person)) sessionStorage.clear();
    if (person) sessionStorage.setItem("person", person);
    // What was sent and led on to this page has been saved, unless this page says otherwise. Where no page
    // answered, the network failed, and what was typed waits for its form.
    const isUnsaved = document.querySelector("[data-unsaved], .error-summary") !== null;
    for (const key of Object.keys(sessionStorage)) {
      if (!key.endsWith(SENT) || sessionStorage.getItem(key) !== document.referrer) continue;
      sessionStorage.removeItem(key);
      if (!isUnsaved) sessionStorage.removeItem(key.slice(0, -SENT.length));
    }
  };
  // Heard last, when it is known whether a form goes out or is held back for a question. A page that asks
  // once more stands where the form was, and sends what was typed there.
  window.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const asksAgain = event.target.elements.confirmed && !drafts.has(event.target);
    const sent = asksAgain
      ? Object.keys(sessionStorage).filter((key) => key.startsWith(pageOfDrafts()) && !key.endsWith(SENT))
      : [drafts.get(event.target)?.()].filter(Boolean);
    for (const key of sent) sessionStorage.setItem(key + SENT, location.href.split("#")[0]);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.forgetDrafts !== undefined) sessionStorage.clear();
  });

  // Suggestions while typing: the search field becomes a combobox.
  const prepareSuggestions = (field, choose = (option) => { location.href = option.dataset.url; }) => {
    const list = document.getElementById(field.dataset.suggest);
    let active = -1;
    const options = () => [...list.querySelectorAll("[role='option']")];
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", list.id);
    const show = (isOpen) => {
      list.hidden = !isOpen;
      field.setAttribute("aria-expanded", String(isOpen));
      if (!isOpen) mark(-1);
    };
    const mark = (number) => {
      active = number;
      options().forEach((option, index) => {
        option.id = `${list.id}-${index}`;
        option.setAttribute("aria-selected", String(index === number));
        if (index === number) option.scrollIntoView({ block: "nearest" });
      });
      if (number >= 0) field.setAttribute("aria-activedescendant", options()[number].id);
      else field.removeAttribute("aria-activedescendant");
    };
    const pick = (option) => {
      choose(option);
      show(false);
    };
    show(false);
    let kept;
    document.addEventListener("htmx:before:swap", (event) => {
      if (event.detail?.ctx?.target !== list) return;
      // An answer to a field that has been emptied since comes too late.
      if (!field.value.trim()) event.preventDefault();
      kept = options()[active]?.dataset.url;
    });
    document.addEventListener("htmx:after:swap", (event) => {
      if (event.detail?.ctx?.target !== list) return;
      show(options().length > 0 && document.activeElement === field);
      // What was marked stays marked wherever it now stands; Enter must never pick another one.
      if (!list.hidden) mark(options().findIndex((option) => option.dataset.url === kept));
    });
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role='option']");
      if (option) pick(option);
    });
    field.addEventListener("blur", () => show(false));
    field.addEventListener("input", () => {
      if (field.value.trim()) return;
      list.replaceChildren();
      show(false);
    });
    field.addEventListener("keydown", (event) => {
      const last = options().length - 1;
      if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        event.stopPropagation();
        show(false);
      } else if (last >= 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        show(true);
        const step = event.key === "ArrowDown" ? 1 : -1;
        mark(active + step > last ? -1 : active + step < -1 ? last : active + step);
      } else if (event.key === "Enter" && active >= 0) {
        event.preventDefault();
        pick(options()[active]);
      }
    });
  };

  // A line of text that names something known offers what fits while it is typed.
  const prepareLine = (field) => {
    const list = document.createElement("div");
    Object.assign(list, { id: `${field.id}-suggestions`, className: "suggestions" });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", field.dataset.pickLabel);
    Object.assign(field.dataset, {
      suggest: list.id, hxGet: field.dataset.pick, hxTrigger: "input delay:150ms",
      hxTarget: `#${list.id}`, hxSync: "this:replace", hxInclude: "this",
    });
    const box = document.createElement("div");
    box.className = "picker";
    field.before(box);
    box.append(field, list);
    window.htmx?.process(box);
    prepareSuggestions(field, (option) => {
      field.value = option.firstElementChild.textContent.trim();
      list.replaceChildren();
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
  };

  // A list typed one per line gets a field that finds the words and adds them.
  const preparePicker = (area) => {
    if (area.closest(".picker")) return;
    if (area.tagName === "INPUT") return prepareLine(area);
    const box = document.createElement("div");
    const field = document.createElement("input");
    const list = document.createElement("div");
    const label = area.dataset.pickLabel;
    Object.assign(list, { id: `${area.id}-suggestions`, className: "suggestions" });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", label);
    Object.assign(field, { type: "search", className: "control", placeholder: label, autocomplete: "off" });
    field.setAttribute("aria-label", label);
    Object.assign(field.dataset, {
      suggest: list.id, hxGet: area.dataset.pick, hxTrigger: "input delay:150ms",
      hxTarget: `#${list.id}`, hxSync: "this:replace",
    });
    // Its name is the query's; it belongs to no form, so that it is never sent with one.
    field.name = "q";
    field.setAttribute("form", "");
    box.className = "picker";
    box.append(field, list);
    area.before(box);
    // Where this script arrives late, htmx has been over the page already.
    window.htmx?.process(box);
    prepareSuggestions(field, (option) => {
      const name = option.firstElementChild.textContent.trim();
      const lines = area.value.split("\n").map((line) => line.trim()).filter(Boolean);
      if (!lines.includes(name)) lines.push(name);
      area.value = `${lines.join("\n")}\n`;
      field.value = "";
      list.replaceChildren();
      area.dispatchEvent(new Event("input", { bubbles: true }));
      announce(area.dataset.pickAdded.replace("#", name));
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  };

  // Values of facets look like boxes to tick: the space bar follows them, too.
  document.addEventListener("keydown", (event) => {
    const value = event.key === " " && event.target.closest(".facet-values a");
    if (!value) return;
    event.preventDefault();
    value.click();
  });

  // Refining results in place; open filters stay open, a link that fails is simply followed.
  let place = {};
  document.addEventListener("htmx:before:swap", (event) => {
    const form = event.detail?.ctx?.target?.closest("form[data-draft]");
    place = {
      isOpen: document.querySelector("#results > .facets")?.open,
      id: document.activeElement?.id,
      typed: form ? readForm(form) : null,
    };
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const spoken = document.querySelector("#results [data-announce]");
    if (event.detail?.ctx?.select !== "#results" || !spoken) return;
    const facets = document.querySelector("#results > .facets");
    if (facets && place.isOpen) facets.open = true;
    if (place.id) document.getElementById(place.id)?.focus({ preventScroll: true });
    announce(spoken.textContent.trim());
  });
  const follow = (event) => {
    const source = event.detail?.ctx?.sourceElement;
    if (source?.tagName === "A") location.href = source.href;
  };
  document.addEventListener("htmx:response:error", follow);
  document.addEventListener("htmx:error", follow);

  const prepareFields = (part) => {
    for (const hint of part.querySelectorAll("[data-counter]")) count(hint);
    for (const rows of part.querySelectorAll("[data-rows]")) prepareRows(rows);
    for (const list of part.querySelectorAll(".choice-list[data-long]")) prepareChoices(list);
    for (const field of part.querySelectorAll("[data-suggest]")) prepareSuggestions(field);
    for (const area of part.querySelectorAll("[data-pick]")) preparePicker(area);
  };
  // A form that was fetched anew for another choice stays where it was, with what was typed meanwhile.
  // Written in the same moment as it is inserted: what is typed or chosen after that is the person's.
  document.addEventListener("htmx:before:settle", (event) => {
    const part = event.detail?.newContent?.find((node) => node.matches?.("form[data-draft] [data-part]"));
    if (!part) return;
    if (place.typed) writeForm(part.closest("form"), place.typed);
    prepareFields(part);
  });

  const start = () => {
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
    for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
    settleDrafts();
    for (const form of document.querySelectorAll(DRAFTED)) prepareDraft(form);
    prepareFields(document);
    document.querySelector("[data-focus-first]")?.focus();
  };
  start();
})();
