// A call of a tool as fields: which tool, or none, and its arguments as its definition has them.
// The JSON text stays what is sent and what the draft keeps; it can be edited as it is too.

const NO_TOOL = "no tool";

/** @param {HTMLElement} form */
export function watchCalls(form) {
  for (const area of form.querySelectorAll("[data-fields] textarea[data-tools]")) {
    if (!area.closest("template")) new CallTool(form, area);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Name, description and parameters of each definition, however it is wrapped. */
function readTools(text) {
  const written = parsed(text);
  const all = Array.isArray(written) ? written : written ? [written] : [];
  return all
    .flatMap((each) => each?.function_declarations ?? each?.functionDeclarations ?? [each])
    .map((each) => each?.function ?? each)
    .filter((each) => typeof each?.name === "string")
    .map((each) => {
      const { properties = {}, required = [] } = each.parameters ?? each.input_schema ?? each.inputSchema ?? {};
      return { name: each.name, description: each.description ?? "", properties, required };
    });
}

/** The one call that stands in the text, null for none, undefined for what cannot be shown as fields. */
function readCall(text) {
  if (!text.trim()) return null;
  let call = parsed(text);
  if (Array.isArray(call) && call.length < 2) call = call[0] ?? null;
  if (call === null) return null;
  if (typeof call?.name !== "string") return undefined;
  const isObject = call.arguments && typeof call.arguments === "object" && !Array.isArray(call.arguments);
  return isObject ? call : undefined;
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function kindOf({ type, enum: choices }, value) {
  if (Array.isArray(choices) && choices.every((choice) => typeof choice === "string")) return "choice";
  const kind = String(Array.isArray(type) ? (type.length === 1 ? type[0] : "") : (type ?? "")).toLowerCase();
  if (["string", "str"].includes(kind)) return value === undefined || typeof value === "string" ? "text" : "json";
  if (["integer", "int", "number", "float", "double", "long"].includes(kind)) return value === undefined || typeof value === "number" ? "number" : "json";
  if (["boolean", "bool"].includes(kind)) return value === undefined || typeof value === "boolean" ? "boolean" : "json";
  return typeof value === "string" && !kind ? "text" : "json";
}

class CallTool {
  constructor(form, area) {
    this.form = form;
    this.area = area;
    this.root = element("div", { className: "call-tool" });
    const fold = area.closest("details");
    fold.before(this.root);
    fold.open = false;
    area.addEventListener("input", () => this.#show());
    this.form.addEventListener("input", ({ target }) => {
      if (target.name === area.dataset.tools) this.#show();
    });
    this.#show();
  }

  get #tools() {
    return readTools(this.form.elements.namedItem(this.area.dataset.tools)?.value ?? "");
  }

  #show() {
    const call = readCall(this.area.value);
    if (call === undefined) {
      this.area.closest("details").open = true;
      this.root.replaceChildren(element("p", { className: "muted", textContent: "More than one call, or none that can be read: edit it as JSON." }));
      return;
    }
    this.call = call;
    const names = [NO_TOOL, ...new Set([...this.#tools.map(({ name }) => name), ...(call ? [call.name] : [])])];
    const id = `${this.area.id}-tool`;
    const select = element("select", { id }, ...names.map((name) => element("option", { value: name, textContent: name })));
    select.value = call?.name ?? NO_TOOL;
    select.addEventListener("input", (event) => {
      event.stopPropagation();
      this.#use(select.value);
    });
    const tool = this.#tools.find(({ name }) => name === select.value);
    this.root.replaceChildren(
      element("div", { className: "field" }, element("label", { htmlFor: id, textContent: "Tool" }), select, element("p", { className: "helptext", textContent: tool?.description ?? "" })),
      ...this.#arguments(tool),
    );
  }

  /** Another tool: what both have in common is kept. */
  #use(name) {
    const tool = this.#tools.find((each) => each.name === name);
    const before = this.call?.arguments ?? {};
    const kept = Object.fromEntries(Object.entries(before).filter(([argument]) => !tool || argument in tool.properties));
    this.#write(name === NO_TOOL ? null : { name, arguments: kept });
    this.#show();
    this.root.querySelector("select").focus();
  }

  #arguments(tool) {
    if (!this.call) return [];
    const properties = tool?.properties ?? {};
    const names = [...new Set([...Object.keys(this.call.arguments), ...Object.keys(properties)])];
    return names.map((name, place) => this.#field(name, properties[name], tool?.required.includes(name) ?? false, place));
  }

  #field(name, definition, isRequired, place) {
    const value = this.call.arguments[name];
    const kind = kindOf(definition ?? {}, value);
    const id = `${this.area.id}-argument-${place}`;
    const field = this.#control(kind, definition ?? {}, value);
    field.id = id;
    field.dataset.pointer = `${this.area.name}/arguments/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    field.addEventListener("input", () => this.#changed(name, kind, field.value));
    const label = element("label", { htmlFor: id }, element("code", { textContent: name }));
    const word = definition ? (isRequired ? "" : "(optional)") : "(not defined)";
    if (word) label.append(" ", element("span", { className: "optional", textContent: word }));
    const help = element("div", { className: "helptext", textContent: definition?.description ?? "" });
    return element("div", { className: "field" }, label, ...(help.textContent ? [help] : []), field);
  }

  #control(kind, definition, value) {
    const options = { choice: definition.enum, boolean: ["true", "false"] }[kind];
    if (options) {
      const all = ["", ...new Set([...options, ...(value === undefined ? [] : [String(value)])])];
      const select = element("select", {}, ...all.map((each) => element("option", { value: each, textContent: each || "– left out" })));
      select.value = value === undefined ? "" : String(value);
      return select;
    }
    if (kind === "json") {
      const area = element("textarea", { className: "mono", rows: 2, value: value === undefined ? "" : JSON.stringify(value) });
      area.spellcheck = false;
      return area;
    }
    const field = element("input", { type: "text", dir: "auto", value: value === undefined ? "" : String(value), autocomplete: "off" });
    if (kind === "number") field.inputMode = "decimal";
    return field;
  }

  #changed(name, kind, typed) {
    const kept = { ...this.call.arguments };
    if (typed === "") delete kept[name];
    else kept[name] = meant(kind, typed);
    this.#write({ ...this.call, arguments: kept });
  }

  #write(call) {
    this.call = call;
    this.area.value = JSON.stringify(call, null, 2);
    // Its own listener would build the fields anew under the caret.
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** What cannot be read as its kind is kept as it was typed: the checks say what is wrong with it. */
function meant(kind, typed) {
  if (kind === "boolean") return typed === "true";
  if (kind === "number") return typed.trim() !== "" && Number.isFinite(Number(typed)) ? Number(typed) : typed;
  return kind === "json" ? (parsed(typed) ?? typed) : typed;
}
