/** /campaigns: whom the hospital calls: made, started, watched; what came of it, person by person. */

import "./styles/base.css";
import "./styles/campaigns.css";
import { html, nothing, type TemplateResult } from "lit";
import { words } from "./shared/api";
import { dialogs, whenDialogsChange } from "./shared/dialog";
import { t as common } from "./shared/i18n";
import { token } from "./shared/session";
import { topBar } from "./shared/topbar";
import { element, mount } from "./shared/view";
import { doNotCallView } from "./campaigns/do_not_call";
import { limitsView } from "./campaigns/limits";
import { listView } from "./campaigns/list";
import { oneView } from "./campaigns/one";
import { Store } from "./campaigns/store";
import { isUnsaved, leaveWizard, wizardView } from "./campaigns/wizard";

const start = { error: "" };
let redraw = (): void => {};
const store = new Store(() => redraw());
redraw = mount(element("page"), page);
whenDialogsChange(() => redraw());

function page(): TemplateResult {
  const { place, campaign } = store;
  const here = campaign !== null ? `${campaign.name} · ` : "";
  document.title = `${here}${common("page.campaigns")} · ${common("product")}`;
  if (place.view !== "wizard") leaveWizard();
  return html`
    <header>${topBar(store.me)}</header>
    <div class="notices" role="status">
      ${store.notices.map(
        (one) => html`
          <div class="notice ${one.kind}" data-test="notice">
            <span>${one.text}</span>
            <button type="button" class="quiet" aria-label=${common("close")} @click=${() => store.dismiss(one.id)}>✕</button>
          </div>
        `,
      )}
    </div>
    <main id="main" class="campaigns" aria-busy=${store.busy.has("load")}>
      ${start.error ? html`<p class="error" role="alert">${start.error}</p>` : nothing} ${store.me === null ? nothing : view()}
    </main>
    ${dialogs()}
  `;
}

function view(): TemplateResult {
  const { place } = store;
  if (place.view === "list") return listView(store);
  if (place.view === "limits") return limitsView(store);
  if (place.view === "do-not-call") return doNotCallView(store);
  return place.view === "wizard" ? wizardView(store, place.id) : oneView(store, place.tab, place.contact);
}

window.addEventListener("resize", () => redraw());
window.addEventListener("beforeunload", (event) => {
  if (isUnsaved()) event.preventDefault();
});

if (token() === null) location.replace("/login?next=/campaigns");
else
  store.start().catch((error: unknown) => {
    start.error = words(error);
    redraw();
  });
