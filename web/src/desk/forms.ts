/** What the agent writes: a note at any time, and the disposition by the queue's own form, whose fields are data. */

import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { clock, label } from "../shared/i18n";
import { afterButtons } from "./after";
import type { Desk } from "./model";
import type { Answer, FormField } from "./types";
import { t } from "./words";

/** A note is saved when nothing was typed for so long, or another field is gone to. */
const QUIET_MILLISECONDS = 2000;
let quiet: ReturnType<typeof setTimeout> | undefined;

export function writing(desk: Desk): TemplateResult {
  return html`${noteCard(desk)} ${dispositionCard(desk)} ${afterButtons(desk)}`;
}

function noteCard(desk: Desk): TemplateResult {
  const pop = desk.pop;
  const type = (event: InputEvent): void => {
    desk.draft.note = (event.currentTarget as HTMLTextAreaElement).value;
    desk.draft.noteSaved = false;
    desk.changed();
    clearTimeout(quiet);
    quiet = setTimeout(() => void desk.saveNote(), QUIET_MILLISECONDS);
  };
  return html`
    <section class="card stack" aria-labelledby="note-title">
      <h2 id="note-title">${t("note.title")}</h2>
      <label for="note" class="unseen">${t("note.title")}</label>
      <textarea
        id="note"
        rows="6"
        maxlength="5000"
        data-test="note"
        placeholder=${t("note.placeholder")}
        ?disabled=${pop === null}
        .value=${live(desk.draft.note)}
        @input=${type}
        @change=${() => void desk.saveNote()}
      ></textarea>
      <div class="row between">
        <small class="soft" data-test="note-state">
          ${desk.draft.noteSaved ? (pop?.note ? t("note.saved", { at: clock(pop.note.written_at, true) }) : "") : t("note.unsaved")}
        </small>
        <button type="button" data-test="save-note" ?disabled=${pop === null || desk.draft.noteSaved || desk.busy.has("note")} @click=${() => void desk.saveNote()}>
          ${t("save")}
        </button>
      </div>
    </section>
  `;
}

function dispositionCard(desk: Desk): TemplateResult {
  const pop = desk.pop;
  const form = pop?.disposition_form ?? null;
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const answers = Object.fromEntries(Object.entries(desk.draft.answers).filter(([, answer]) => answer !== null && answer !== ""));
    void desk.saveDisposition(answers);
  };
  return html`
    <section class="card" aria-labelledby="disposition-title">
      <h2 id="disposition-title">${t("disposition.title")}</h2>
      ${form === null
        ? html`<p class="soft">${pop === null ? t("disposition.later") : t("disposition.none")}</p>`
        : html`
            <form class="stack" @submit=${send} data-test="disposition">
              ${form.fields.map((field) => fieldOf(desk, field))}
              <div class="row between">
                <small class="soft" data-test="disposition-state">
                  ${pop?.disposition && desk.draft.dispositionSaved ? t("note.saved", { at: clock(pop.disposition.saved_at, true) }) : nothing}
                </small>
                <button class="primary" type="submit" ?disabled=${desk.busy.has("disposition")}>${t("disposition.save")}</button>
              </div>
            </form>
          `}
    </section>
  `;
}

function fieldOf(desk: Desk, field: FormField): TemplateResult {
  const id = `field-${field.key}`;
  const value = desk.draft.answers[field.key] ?? null;
  const put = (answer: Answer): void => {
    desk.draft.answers = { ...desk.draft.answers, [field.key]: answer };
    desk.draft.dispositionSaved = false;
    desk.changed();
  };
  const name = html`${label(field)}${field.required ? html`<span class="required" aria-hidden="true"> *</span>` : nothing}`;
  switch (field.kind) {
    case "choice":
      return field.several ? several(field, name, value, put) : choice(field, id, name, value, put);
    case "yes_no":
      return html`
        <fieldset class="row" data-test=${id}>
          <legend>${name}</legend>
          ${[true, false].map(
            (answer) => html`
              <label class="row">
                <input type="radio" name=${id} ?required=${field.required} .checked=${live(value === answer)} @change=${() => put(answer)} />
                ${answer ? t("yes") : t("no")}
              </label>
            `,
          )}
        </fieldset>
      `;
    case "number":
      return labelled(id, name, html`
        <input
          id=${id}
          type="number"
          step="any"
          min=${field.least ?? nothing}
          max=${field.most ?? nothing}
          ?required=${field.required}
          .value=${live(value === null ? "" : String(value))}
          @input=${(event: InputEvent) => {
            const typed = (event.currentTarget as HTMLInputElement).value;
            put(typed === "" ? null : Number(typed));
          }}
        />
      `);
    case "date":
      return labelled(id, name, html`
        <input id=${id} type="date" ?required=${field.required} .value=${live(String(value ?? ""))} @input=${(event: InputEvent) => put((event.currentTarget as HTMLInputElement).value)} />
      `);
    default:
      return labelled(id, name, html`
        <textarea
          id=${id}
          rows="2"
          maxlength=${field.max_length}
          ?required=${field.required}
          .value=${live(String(value ?? ""))}
          @input=${(event: InputEvent) => put((event.currentTarget as HTMLTextAreaElement).value)}
        ></textarea>
      `);
  }
}

function labelled(id: string, name: TemplateResult, control: TemplateResult): TemplateResult {
  return html`<div><label for=${id}>${name}</label>${control}</div>`;
}

function choice(field: FormField, id: string, name: TemplateResult, value: Answer, put: (answer: Answer) => void): TemplateResult {
  return labelled(id, name, html`
    <select
      id=${id}
      ?required=${field.required}
      .value=${live(String(value ?? ""))}
      @change=${(event: Event) => put((event.currentTarget as HTMLSelectElement).value || null)}
    >
      <option value="">${t("disposition.choose")}</option>
      ${field.options.map((option) => html`<option value=${option.code} ?selected=${option.code === value}>${label(option)}</option>`)}
    </select>
  `);
}

function several(field: FormField, name: TemplateResult, value: Answer, put: (answer: Answer) => void): TemplateResult {
  const chosen = Array.isArray(value) ? value : [];
  const change = (code: string, yes: boolean): void => put(yes ? [...chosen, code] : chosen.filter((one) => one !== code));
  return html`
    <fieldset class="row" data-test="field-${field.key}">
      <legend>${name}</legend>
      ${field.options.map(
        (option) => html`
          <label class="row">
            <input
              type="checkbox"
              .checked=${live(chosen.includes(option.code))}
              @change=${(event: Event) => change(option.code, (event.currentTarget as HTMLInputElement).checked)}
            />
            ${label(option)}
          </label>
        `,
      )}
    </fieldset>
  `;
}
