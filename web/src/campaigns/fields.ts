/** Fields of the wizard: label, control, and at it what the API said is wrong with it. */

import { html, nothing, type TemplateResult } from "lit";
import type { Faults } from "./draft";
import { t } from "./words";

/** `changed`: something was typed. */
export interface Form {
  faults: Faults;
  changed: (pointer: string) => void;
}

interface More {
  type?: string;
  hint?: string;
  disabled?: boolean;
  min?: number;
  max?: number;
  step?: string;
  list?: string;
  maxlength?: number;
  rows?: number;
  lang?: string;
  /** Something is wrong that is told beside this field. */
  bad?: boolean;
}

const idOf = (pointer: string): string => `f${pointer.replaceAll("/", "-")}`;

/** What is wrong here or further in. */
export function faultsAt(form: Form, pointer: string): string[] {
  return [...form.faults].filter(([at]) => at === pointer || at.startsWith(`${pointer}/`)).map(([, words]) => words);
}

export function faultText(form: Form, pointer: string): TemplateResult | typeof nothing {
  const found = [...new Set(faultsAt(form, pointer))];
  return found.length === 0 ? nothing : html`<small class="error" id="${idOf(pointer)}-fault" data-fault=${pointer}>${found.join(" ")}</small>`;
}

/** What is wrong with just this, not with what is in it. */
export function ownFault(form: Form, pointer: string): TemplateResult | typeof nothing {
  const own = form.faults.get(pointer);
  return own === undefined ? nothing : html`<small class="error" data-fault=${pointer}>${own}</small>`;
}

export function textField(form: Form, pointer: string, words: string | TemplateResult, value: string, set: (value: string) => void, more: More = {}): TemplateResult {
  const own = faultsAt(form, pointer).length > 0;
  const bad = own || (more.bad ?? false);
  const id = idOf(pointer);
  const input = (event: Event): void => {
    set((event.target as HTMLInputElement).value);
    form.changed(pointer);
  };
  const told = `${own ? `${id}-fault` : ""} ${more.hint === undefined ? "" : `${id}-hint`}`.trim();
  const control =
    more.rows === undefined
      ? html`<input id=${id} data-field=${pointer} type=${more.type ?? "text"} autocomplete="off" ?disabled=${more.disabled ?? false} min=${more.min ?? nothing} max=${more.max ?? nothing} step=${more.step ?? nothing} list=${more.list ?? nothing} maxlength=${more.maxlength ?? nothing} aria-invalid=${bad} aria-describedby=${told || nothing} .value=${value} @input=${input} />`
      : html`<textarea id=${id} data-field=${pointer} rows=${more.rows} lang=${more.lang ?? nothing} ?disabled=${more.disabled ?? false} maxlength=${more.maxlength ?? nothing} aria-invalid=${bad} aria-describedby=${told || nothing} .value=${value} @input=${input}></textarea>`;
  return html`
    <div class="field">
      <label for=${id}>${words}</label>
      ${control} ${more.hint === undefined ? nothing : html`<small class="soft" id="${id}-hint">${more.hint}</small>`} ${faultText(form, pointer)}
    </div>
  `;
}

export function choiceField(form: Form, pointer: string, words: string, value: string, options: [string, string][], set: (value: string) => void, more: More = {}): TemplateResult {
  const bad = faultsAt(form, pointer).length > 0;
  const id = idOf(pointer);
  const known = options.some(([one]) => one === value);
  const choose = (event: Event): void => {
    set((event.target as HTMLSelectElement).value);
    form.changed(pointer);
  };
  return html`
    <div class="field">
      <label for=${id}>${words}</label>
      <select id=${id} data-field=${pointer} ?disabled=${more.disabled ?? false} aria-invalid=${bad} aria-describedby=${bad ? `${id}-fault` : nothing} @change=${choose}>
        ${known ? nothing : html`<option value=${value} selected>${value === "" ? t("choose") : value}</option>`}
        ${options.map(([one, said]) => html`<option value=${one} .selected=${one === value}>${said}</option>`)}
      </select>
      ${more.hint === undefined ? nothing : html`<small class="soft">${more.hint}</small>`} ${faultText(form, pointer)}
    </div>
  `;
}
