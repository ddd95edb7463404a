/** Drawing: a page is a function of its state, drawn again (once per turn) whenever something says it changed. */

import { render, type TemplateResult } from "lit";
import { whenLanguageChanges } from "./i18n";

/**
 * `draw` is run into `root` now and after each call of what is returned. Not by animation frames: a page in the
 * background must still change its title, and ring.
 */
export function mount(root: HTMLElement, draw: () => TemplateResult): () => void {
  let due = false;
  const redraw = (): void => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      render(draw(), root);
    });
  };
  whenLanguageChanges(redraw);
  render(draw(), root);
  return redraw;
}

/** The element with this id, which the page's shell has. */
export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}
