/** One dialog for what can be done with something, one for "are you sure?": both drawn with the page. */

import { html, nothing, type TemplateResult } from "lit";
import { t } from "./i18n";
import { element } from "./view";

interface Content {
  title: string;
  body: TemplateResult;
}

/** `no`: instead of "cancel"; `harmless`: nothing is lost by a yes. */
interface Question {
  text: string;
  yes: string;
  no?: string;
  harmless?: boolean;
}

let content: (() => Content) | null = null;
let question: Question | null = null;
let redraw = (): void => {};

export function whenDialogsChange(act: () => void): void {
  redraw = act;
}

/** `draw` is run each time the page is drawn: what is shown stays true. */
export function openDialog(draw: () => Content): void {
  content = draw;
  redraw();
  queueMicrotask(() => {
    const dialog = element("actions") as HTMLDialogElement;
    if (!dialog.open) dialog.showModal();
  });
}

export function closeDialog(): void {
  (element("actions") as HTMLDialogElement).close();
}

/** Whether the person says yes. */
export function ask(text: string, yes: string, more: Pick<Question, "no" | "harmless"> = {}): Promise<boolean> {
  question = { text, yes, ...more };
  redraw();
  return new Promise((resolve) => {
    queueMicrotask(() => {
      const dialog = element("sure") as HTMLDialogElement;
      dialog.returnValue = "";
      dialog.onclose = () => resolve(dialog.returnValue === "yes");
      dialog.showModal();
    });
  });
}

export function dialogs(): TemplateResult {
  const shown = content?.();
  return html`
    <dialog id="actions" aria-labelledby="actions-title" @close=${() => {
      content = null;
      redraw();
    }}>
      <div class="stack">
        <div class="row between">
          <h2 id="actions-title">${shown?.title ?? ""}</h2>
          <button type="button" class="quiet" aria-label=${t("close")} data-test="close-actions" @click=${closeDialog}>✕</button>
        </div>
        ${shown?.body ?? nothing}
      </div>
    </dialog>
    <dialog id="sure" aria-labelledby="sure-text">
      <form method="dialog" class="stack">
        <p id="sure-text">${question?.text ?? ""}</p>
        <div class="row">
          <button type="submit" value="" autofocus>${question?.no ?? t("cancel")}</button>
          <button class="${question?.harmless ? "" : "danger"} primary" type="submit" value="yes" data-test="sure-yes">${question?.yes ?? ""}</button>
        </div>
      </form>
    </dialog>
  `;
}
