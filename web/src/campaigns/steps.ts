/** The four steps of the wizard. */

import { html, nothing, svg, type TemplateResult } from "lit";
import { label } from "../shared/i18n";
import { isSaid, isSpoken, spans, textNames } from "./draft";
import { choiceField, faultText, ownFault, textField } from "./fields";
import { CHANNELS, KINDS, MACHINES, MODES, RETRIED, type Channel, type Said } from "./types";
import type { Wizard } from "./wizard";
import { coded, t } from "./words";

const ZONES = ["Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Europe/London", "America/New_York"];

function card(title: string, body: TemplateResult, hint = ""): TemplateResult {
  return html`
    <section class="card step" aria-labelledby="step-title">
      <h2 id="step-title" tabindex="-1">${title}</h2>
      ${hint === "" ? nothing : html`<p class="soft small">${hint}</p>`} ${body}
    </section>
  `;
}

// -- what it is

export function basicsStep(wizard: Wizard): TemplateResult {
  const { draft, choices } = wizard;
  const flows = choices.flows.map(({ name }): [string, string] => [name, coded("flow", name)]);
  const queues = choices.queues.map((one): [string, string] => [one.name, label(one)]);
  const numbers = choices.caller_ids.map((one): [string, string] => [one.name, `${one.name} · ${label(one)}`]);
  return card(
    t("step.basics"),
    html`
      <div class="fields">
        ${textField(wizard, "/name", t("field.name"), draft.name, (value) => (draft.name = value), { maxlength: 200 })}
        ${choiceField(wizard, "/kind", t("field.kind"), draft.kind, KINDS.map((one) => [one, coded("kind", one)]), (value) => (draft.kind = value))}
        ${choiceField(wizard, "/pacing/mode", t("field.mode"), draft.pacing.mode, MODES.map((one) => [one, coded("mode", one)]), (value) => {
          draft.pacing.mode = value as typeof draft.pacing.mode;
          draft.pacing.queue ||= choices.queues[0]?.name ?? "";
        }, { hint: coded("mode_hint", draft.pacing.mode) })}
        ${draft.pacing.mode === "automatic" ? nothing : choiceField(wizard, "/pacing/queue", t("field.queue"), draft.pacing.queue, queues, (value) => (draft.pacing.queue = value))}
        ${draft.pacing.mode !== "automatic" ? nothing : choiceField(wizard, "/flow", t("field.flow"), draft.flow, flows, (value) => (draft.flow = value), { hint: t("field.flow.hint") })}
        ${choiceField(wizard, "/caller_id", t("field.caller_id"), draft.caller_id, numbers, (value) => (draft.caller_id = value), { hint: t("field.caller_id.hint") })}
        ${textField(wizard, "/priority", t("field.priority"), draft.priority, (value) => (draft.priority = value), { type: "number", min: -100, max: 100, hint: t("field.priority.hint") })}
        ${textField(wizard, "/report_to", t("field.report_to"), draft.report_to, (value) => (draft.report_to = value), { type: "url", maxlength: 500, hint: t("field.report_to.hint") })}
      </div>
      ${ownFault(wizard, "/pacing")}
    `,
  );
}

// -- what it says, and by what

export function textsStep(wizard: Wizard): TemplateResult {
  const { draft, choices } = wizard;
  const flow = choices.flows.find((one) => one.name === draft.flow);
  return html`
    ${card(
      t("step.texts"),
      html`
        ${draft.begun !== null ? html`<p class="banner info">${t("texts.fixed")}</p>` : nothing}
        <fieldset class="channels">
          <legend>${t("field.channels")}</legend>
          <p class="soft small">${t("field.channels.hint")}</p>
          ${channels(wizard)} ${faultText(wizard, "/channels")}
        </fieldset>
        ${ownFault(wizard, "/texts")}
      `,
      t("texts.hint", { placeholder: "{name}" }),
    )}
    ${draft.channels.includes("telephone") && draft.pacing.mode !== "automatic"
      ? html`<section class="card texts"><h2>${t("texts.script")}</h2>${pair(wizard, "/texts/script", t("texts.script.hint"), draft.script, 5)}</section>`
      : nothing}
    ${isSpoken(draft)
      ? html`
          <section class="card texts" aria-labelledby="spoken-title">
            <h2 id="spoken-title">${t("texts.spoken")}</h2>
            ${textNames(draft, choices).map((name) => {
              const said = (draft.spoken[name] ??= { zh: "", en: "" });
              const words = html`${coded("text", name)} <code>${name}</code>${flow?.questions.includes(name) ? html` <span class="tag">${t("texts.question")}</span>` : nothing}`;
              return pair(wizard, `/texts/spoken/${name}`, words, said);
            })}
          </section>
        `
      : nothing}
    ${draft.channels.includes("email")
      ? html`<section class="card texts"><h2>${coded("channel", "email")}</h2>${pair(wizard, "/texts/email/subject", t("texts.subject"), draft.subject, 1)} ${pair(wizard, "/texts/email/text", t("texts.mail"), draft.mail, 5)}</section>`
      : nothing}
    ${draft.channels.includes("sms") ? html`<section class="card texts"><h2>${coded("channel", "sms")}</h2>${pair(wizard, "/texts/sms", t("texts.sms"), draft.sms, 3)}
          ${textField(wizard, "/texts/sms/template", t("field.template"), draft.template, (value) => (draft.template = value), { maxlength: 100, hint: t("field.template.hint"), disabled: draft.begun !== null })}</section>` : nothing}
    <section class="card" aria-live="polite" data-test="variables"><h2>${t("texts.variables")}</h2>${variables(wizard)}</section>
  `;
}

function channels(wizard: Wizard): TemplateResult {
  const { draft } = wizard;
  const rest = CHANNELS.filter((one) => !draft.channels.includes(one));
  const put = (chosen: Channel[]): void => {
    draft.channels = chosen;
    wizard.changed("/channels");
  };
  const swap = (index: number, by: number): void => {
    const chosen = [...draft.channels];
    const [one] = chosen.splice(index, 1);
    if (one !== undefined) chosen.splice(index + by, 0, one);
    put(chosen);
  };
  return html`
    <ol class="ordered">
      ${draft.channels.map(
        (one, index) => html`
          <li data-channel=${one}>
            <span class="step-number numbers">${index + 1}</span><strong>${coded("channel", one)}</strong>
            <button type="button" class="small-button" aria-label="${t("channel.earlier")}: ${coded("channel", one)}" ?disabled=${index === 0} @click=${() => swap(index, -1)}>↑</button>
            <button type="button" class="small-button" aria-label="${t("channel.later")}: ${coded("channel", one)}" ?disabled=${index === draft.channels.length - 1} @click=${() => swap(index, 1)}>↓</button>
            <button type="button" class="small-button" aria-label="${t("channel.remove")}: ${coded("channel", one)}" ?disabled=${draft.channels.length === 1} @click=${() => put(draft.channels.filter((other) => other !== one))}>✕</button>
          </li>
        `,
      )}
    </ol>
    <div class="row">${rest.map((one) => html`<button type="button" class="small-button" data-test="add-${one}" @click=${() => put([...draft.channels, one])}>+ ${coded("channel", one)}</button>`)}</div>
  `;
}

/** A text in both languages, side by side. */
function pair(wizard: Wizard, pointer: string, words: string | TemplateResult, said: Said, rows = 3): TemplateResult {
  const field = (language: "zh" | "en"): TemplateResult =>
    textField(wizard, `${pointer}/${language}`, coded("language", language), said[language], (value) => {
      said[language] = value;
      wizard.faults.delete(pointer);
    }, { rows, maxlength: 2000, lang: language === "zh" ? "zh-CN" : "en", disabled: wizard.draft.begun !== null, bad: wizard.faults.has(pointer) });
  return html`
    <fieldset>
      <legend>${words}</legend>
      <div class="two">${field("zh")} ${field("en")}</div>
      ${ownFault(wizard, pointer)}
    </fieldset>
  `;
}

function variables(wizard: Wizard): TemplateResult {
  const { draft, choices } = wizard;
  const texts = [...(isSpoken(draft) ? textNames(draft, choices).map((name) => draft.spoken[name]) : [draft.script]), ...(draft.channels.includes("email") ? [draft.subject, draft.mail] : []), ...(draft.channels.includes("sms") ? [draft.sms] : [])];
  const all = texts.filter(isSaid).map((said) => `${said?.zh} ${said?.en}`).join(" ");
  const named = (text: string, pattern: RegExp): string[] => [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))];
  const known = named(all, /\{([a-z][a-z0-9_]{0,39})\}/g);
  const odd = named(all, /\{([^{}]*)\}/g).filter((name) => !known.includes(name));
  return html`
    ${known.length === 0 ? html`<p class="soft">${t("texts.no_variables")}</p>` : html`<p class="row">${known.map((name) => html`<code class="tag">{${name}}</code>`)}</p><p class="soft small">${t("texts.variables.hint")}</p>`}
    ${odd.length === 0 ? nothing : html`<p class="warn-ink" data-test="odd-variables">${t("texts.odd", { names: odd.map((name) => `{${name}}`).join(" ") })}</p>`}
  `;
}

// -- when, and how fast

export function timesStep(wizard: Wizard): TemplateResult {
  const { draft } = wizard;
  return html`
    ${card(
      t("times.validity"),
      html`
        <div class="fields">
          ${textField(wizard, "/starts_at", t("field.starts_at"), draft.starts, (value) => (draft.starts = value), { type: "datetime-local" })}
          ${textField(wizard, "/ends_at", t("field.ends_at"), draft.ends, (value) => (draft.ends = value), { type: "datetime-local" })}
          ${textField(wizard, "/zone", t("field.zone"), draft.zone, (value) => (draft.zone = value), { list: "zones", maxlength: 60, hint: t("field.zone.hint") })}
          <datalist id="zones">${ZONES.map((zone) => html`<option value=${zone}></option>`)}</datalist>
        </div>
      `,
    )}
    <section class="card" aria-labelledby="windows-title">
      <div class="row between">
        <h2 id="windows-title">${t("times.windows")}</h2>
        <label class="check"><input type="checkbox" data-test="holidays" .checked=${draft.on_holidays} @change=${(event: Event) => {
          draft.on_holidays = (event.target as HTMLInputElement).checked;
          wizard.changed("/windows/on_holidays");
        }} /> ${t("field.on_holidays")}</label>
      </div>
      <p class="soft small">${t("times.windows.hint")}</p>
      ${ownFault(wizard, "/windows/week")}
      <div class="week">${draft.week.map((_day, index) => weekday(wizard, index))}</div>
    </section>
    ${pacing(wizard)}
  `;
}

function weekday(wizard: Wizard, index: number): TemplateResult {
  const { draft } = wizard;
  const day = draft.week[index] ?? "";
  const set = (value: string): void => {
    draft.week[index] = value;
  };
  const all = (): void => {
    draft.week = draft.week.map(() => day);
    wizard.changed("/windows/week");
  };
  return html`
    ${textField(wizard, `/windows/week/${index}`, coded("weekday", String(index + 1)), day, set)}
    <svg class="day" viewBox="0 0 1440 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="rest" width="1440" height="10"></rect>
      ${minutes(day).map(([from, until]) => svg`<rect class="open" x=${from} width=${until - from} height="10"></rect>`)}
      ${[360, 720, 1080].map((at) => svg`<rect class="mark" x=${at - 1} width="2" height="10"></rect>`)}
    </svg>
    ${index === 0 ? html`<button type="button" class="small-button" data-test="all-days" @click=${all}>${t("times.all_days")}</button>` : html`<span class="soft small">${minutes(day).length === 0 ? t("times.closed") : ""}</span>`}
  `;
}

function minutes(day: string): [number, number][] {
  const read = (clock: string): number => {
    const [hours = NaN, minute = NaN] = clock.split(":").map(Number);
    return 60 * hours + minute;
  };
  return spans(day)
    .map((span) => span.split("-").map(read))
    .filter(([from = NaN, until = NaN]) => from < until && until <= 1440)
    .map(([from = 0, until = 0]): [number, number] => [from, until]);
}

function pacing(wizard: Wizard): TemplateResult {
  const { pacing: pace } = wizard.draft;
  const figure = (name: "calls_per_second" | "max_channels" | "ring_seconds" | "abandon_percent", min: number, max: number, step = "1"): TemplateResult =>
    textField(wizard, `/pacing/${name}`, t(`field.${name}`), pace[name], (value) => (pace[name] = value), { type: "number", min, max, step });
  return html`
    <section class="card" aria-labelledby="pacing-title">
      <h2 id="pacing-title">${t("times.pacing")}</h2>
      <div class="fields">
        ${figure("calls_per_second", 0.1, 100, "0.1")} ${figure("max_channels", 1, 1000)} ${figure("ring_seconds", 5, 120)}
        ${choiceField(wizard, "/pacing/machine", t("field.machine"), pace.machine, MACHINES.map((one) => [one, coded("machine", one)]), (value) => (pace.machine = value as typeof pace.machine))}
        ${pace.mode === "predictive" ? figure("abandon_percent", 0.1, 20, "0.1") : nothing}
      </div>
      ${ownFault(wizard, "/pacing")}
    </section>
  `;
}

// -- what follows a call that did not reach the person

export function retryStep(wizard: Wizard): TemplateResult {
  const { draft } = wizard;
  return card(
    t("step.retry"),
    html`
      <div class="fields">
        ${textField(wizard, "/retry/most_attempts", t("field.most_attempts"), draft.most_attempts, (value) => (draft.most_attempts = value), { type: "number", min: 1, max: 30, hint: t("field.most_attempts.hint") })}
        ${textField(wizard, "/retry/most_per_number", t("field.most_per_number"), draft.most_per_number, (value) => (draft.most_per_number = value), { type: "number", min: 1, max: 30 })}
      </div>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="step-title">
        <table class="retry" data-test="retry">
          <thead>
            <tr>
              <th scope="col">${t("retry.after")}</th><th scope="col">${t("retry.times")}</th><th scope="col">${t("retry.minutes")}</th>
              <th scope="col">${t("retry.growth")}</th><th scope="col">${t("retry.spread")}</th><th scope="col">${t("retry.number")}</th><th scope="col">${t("retry.part")}</th>
            </tr>
          </thead>
          <tbody>${RETRIED.map((outcome) => rule(wizard, outcome))}</tbody>
        </table>
      </div>
    `,
    t("retry.hint"),
  );
}

function rule(wizard: Wizard, outcome: string): TemplateResult {
  const found = wizard.draft.retry[outcome];
  if (found === undefined) return html`${nothing}`;
  const pointer = `/retry/after/${outcome}`;
  const words = coded("outcome", outcome);
  const figure = (name: "times" | "after_minutes" | "growth" | "spread_percent", column: string, min: number, max: number, step: string): TemplateResult => {
    const bad = wizard.faults.has(`${pointer}/${name}`);
    const input = (event: Event): void => {
      found[name] = (event.target as HTMLInputElement).value;
      wizard.changed(`${pointer}/${name}`);
    };
    return html`<td><input type="number" data-field="${pointer}/${name}" aria-label="${words}: ${column}" aria-invalid=${bad} min=${min} max=${max} step=${step} ?disabled=${!found.on} .value=${found[name]} @input=${input} />${ownFault(wizard, `${pointer}/${name}`)}</td>`;
  };
  const choice = (name: "number" | "part_of_day", column: string, options: string[]): TemplateResult => {
    const choose = (event: Event): void => {
      Object.assign(found, { [name]: (event.target as HTMLSelectElement).value });
      wizard.changed(`${pointer}/${name}`);
    };
    return html`<td><select data-field="${pointer}/${name}" aria-label="${words}: ${column}" ?disabled=${!found.on} @change=${choose}>${options.map((one) => html`<option value=${one} .selected=${found[name] === one}>${coded(`retry.${name}`, one)}</option>`)}</select></td>`;
  };
  const toggle = (event: Event): void => {
    found.on = (event.target as HTMLInputElement).checked;
    wizard.changed(pointer);
  };
  return html`
    <tr data-outcome=${outcome} class=${found.on ? "" : "off"}>
      <th scope="row"><label class="check"><input type="checkbox" data-field=${pointer} .checked=${found.on} @change=${toggle} /> ${words}</label></th>
      ${figure("times", t("retry.times"), 0, 20, "1")} ${figure("after_minutes", t("retry.minutes"), 0, 20160, "any")} ${figure("growth", t("retry.growth"), 1, 10, "0.1")} ${figure("spread_percent", t("retry.spread"), 0, 50, "1")}
      ${choice("number", t("retry.number"), ["same", "next"])} ${choice("part_of_day", t("retry.part"), ["any", "other"])}
    </tr>
  `;
}
