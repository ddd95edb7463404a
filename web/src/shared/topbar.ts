/** The bar above every page: where one is, where else one may go, who one is, the language, the way out. */

import { html, nothing, type TemplateResult } from "lit";
import { post } from "./api";
import { language, setLanguage, t } from "./i18n";
import { forgetToken, pagesOf, type Me } from "./session";

/** `name`: shown instead of the account's name; `middle`: what the page puts into the bar. */
export function topBar(me: Me | null, middle: TemplateResult | typeof nothing = nothing, name?: string): TemplateResult {
  const pages = me === null ? [] : pagesOf(me);
  return html`
    <a class="skip" href="#main">${t("skip")}</a>
    <div class="bar">
      <span class="brand">${t("product")}</span>
      ${pages.length > 1 ? html`<nav aria-label=${t("pages")}>${pages.map(pageLink)}</nav>` : nothing}
      <div class="bar-middle">${middle}</div>
      ${languageSwitch()} ${me === null ? nothing : person(me, name)}
    </div>
  `;
}

function pageLink(page: ReturnType<typeof pagesOf>[number]): TemplateResult {
  const here = location.pathname === page.path;
  return html`<a href=${page.path} target=${here ? "_self" : "_blank"} rel="opener" aria-current=${here ? "page" : nothing}>${t(page.label)}</a>`;
}

function languageSwitch(): TemplateResult {
  const [other, words, tag] = language() === "zh" ? (["en", "English", "en"] as const) : (["zh", "中文", "zh-CN"] as const);
  return html`<button class="quiet" type="button" lang=${tag} data-test="language" @click=${() => setLanguage(other)}>${words}</button>`;
}

function person(me: Me, name?: string): TemplateResult {
  const roles = me.roles.map((role) => t(`role.${role}` as "role.agent")).join(" · ");
  return html`
    <span class="who"><strong data-test="user">${name ?? me.name}</strong><small>${roles}</small></span>
    <button class="quiet" type="button" data-test="log-out" @click=${logOut}>${t("log_out")}</button>
  `;
}

let beforeLogOut: () => Promise<void> = async () => {};

/** What the page does first: an agent leaves the queues. */
export function whenLoggingOut(act: () => Promise<void>): void {
  beforeLogOut = act;
}

async function logOut(): Promise<void> {
  try {
    await beforeLogOut();
    await post("/auth/logout");
  } finally {
    forgetToken();
    location.assign("/login");
  }
}
