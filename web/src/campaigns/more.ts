/** The rest of a list that comes by pages. */

import { html, nothing, type TemplateResult } from "lit";
import type { Store } from "./store";
import { t } from "./words";

/** `next`: cursor of the page that `load` puts to the others; null: there is none. `key`: as Store.act names it. */
export function moreButton(store: Store, key: string, next: string | null, load: (cursor: string) => Promise<void>): TemplateResult | typeof nothing {
  if (next === null) return nothing;
  return html`<button type="button" class="more" data-test="more" ?disabled=${store.busy.has(key)} @click=${() => void store.act(key, () => load(next))}>${t("more")}</button>`;
}
