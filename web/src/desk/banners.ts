/** What is wrong now, across the page; each says what the agent can do, and goes by itself when it is over. */

import { html, nothing, type TemplateResult } from "lit";
import { t as common } from "../shared/i18n";
import type { Desk } from "./model";
import { t } from "./words";

export function banners(desk: Desk): TemplateResult {
  return html`
    <div class="banners" role="alert" data-test="banners">${linkBanner(desk)} ${phoneBanner(desk)}</div>
    <div class="notices" role="status">
      ${desk.notices.map(
        (one) => html`
          <div class="notice ${one.kind}" data-test="notice">
            <span>${one.text}</span>
            <button type="button" class="quiet" aria-label=${t("close")} @click=${() => desk.dismiss(one.id)}>✕</button>
          </div>
        `,
      )}
    </div>
  `;
}

function linkBanner(desk: Desk): TemplateResult | typeof nothing {
  if (desk.link === "lost") return html`<div class="banner bad" data-test="link-lost">${common("connection.lost")}</div>`;
  if (desk.link === "not-allowed") return html`<div class="banner bad">${t("link.not_allowed")}</div>`;
  if (desk.link === "superseded") {
    return html`
      <div class="banner warn" data-test="superseded">
        ${t("link.superseded")}
        <button type="button" @click=${() => desk.resume()}>${t("link.take_back")}</button>
      </div>
    `;
  }
  return nothing;
}

function phoneBanner(desk: Desk): TemplateResult | typeof nothing {
  const { wanted } = desk.state ?? { wanted: "logged_out" };
  if (wanted === "logged_out" || desk.link !== "up") return nothing;
  if (!desk.inBrowser) {
    return desk.telephone?.registered === false
      ? html`<div class="banner warn" data-test="telephone-away">${t("telephone.away")}</div>`
      : nothing;
  }
  const state = desk.phone.state;
  if (state === "registered" || state === "off") return nothing;
  const tone = state === "connecting" ? "info" : "bad";
  return html`<div class="banner ${tone}" data-test="phone-${state}">${t(`phone.${state}`)}</div>`;
}
