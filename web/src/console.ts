/** /console: the supervisor sees every queue and seat now, and steers them. Live by one stream; never reloaded. */

import "./styles/base.css";
import "./styles/console.css";
import { html, nothing, type TemplateResult } from "lit";
import { words } from "./shared/api";
import { t as common, translator } from "./shared/i18n";
import { token } from "./shared/session";
import { topBar } from "./shared/topbar";
import { element, mount } from "./shared/view";
import { agentsCard } from "./console/agents";
import { alarmHistory, alarmStrip, hear, soundButton } from "./console/alarms";
import { announcementCard } from "./console/announcements";
import { Board } from "./console/board";
import { menusCard, waitingCard } from "./console/callers";
import { chartsView } from "./console/charts";
import { dialogs, whenDialogsChange } from "./shared/dialog";
import { queuesCard } from "./console/queues";
import { recordingsView } from "./console/recordings";
import { rulesView } from "./console/rules";
import { t } from "./console/words";

const TICK_MILLISECONDS = 1000;
const VIEWS = { live: liveView, charts: chartsView, recordings: recordingsView, alarms: alarmsView } as const;
type View = keyof typeof VIEWS;

const start = { error: "" };
let view: View = location.hash.slice(1) in VIEWS ? (location.hash.slice(1) as View) : "live";
let redraw = (): void => {};
const board = new Board(() => redraw());
redraw = mount(element("page"), page);
whenDialogsChange(() => redraw());
board.onAlarm = hear;

function page(): TemplateResult {
  const open = board.tables.alarms.size;
  document.title = `${open > 0 ? `(${open}) ` : ""}${common("page.console")} · ${translator({})("product")}`;
  return html`
    <header>${topBar(board.me, html`${tabs()} ${trunks()} ${soundButton(board)}`)}</header>
    ${linkBanner()} ${alarmStrip(board)}
    <div class="notices" role="status">
      ${board.notices.map(
        (one) => html`
          <div class="notice ${one.kind}" data-test="notice">
            <span>${one.text}</span>
            <button type="button" class="quiet" aria-label=${t("close")} @click=${() => board.dismiss(one.id)}>✕</button>
          </div>
        `,
      )}
    </div>
    <main id="main" class="console">
      ${start.error ? html`<p class="error" role="alert">${start.error}</p>` : nothing} ${VIEWS[view](board)}
    </main>
    ${dialogs()}
  `;
}

function tabs(): TemplateResult {
  const show = (name: View): void => {
    view = name;
    history.replaceState(null, "", `#${name}`);
    redraw();
  };
  return html`
    <div class="tabs" role="group" aria-label=${t("views")}>
      ${(Object.keys(VIEWS) as View[]).map((name) => html`<button type="button" class="quiet" aria-pressed=${view === name} data-test="view-${name}" @click=${() => show(name)}>${t(`view.${name}`)}</button>`)}
    </div>
  `;
}

function trunks(): TemplateResult {
  return html`
    <span class="trunks" data-test="trunks">
      ${board.rows("trunks").map((one) => html`<span class="tag ${one.channels !== null && one.in_use >= 0.9 * one.channels ? "warn" : ""}">${t("trunk")} ${one.in_use}${one.channels === null ? "" : ` / ${one.channels}`}</span>`)}
    </span>
  `;
}

function linkBanner(): TemplateResult | typeof nothing {
  if (board.link === "lost") return html`<div class="banner bad" role="alert" data-test="link-lost">${common("connection.lost")}</div>`;
  if (board.link === "refused") return html`<div class="banner bad" role="alert">${t("refused")}</div>`;
  return nothing;
}

function liveView(): TemplateResult {
  return html`
    ${queuesCard(board)}
    <div class="side">${waitingCard(board)} ${menusCard(board)} ${announcementCard(board)}</div>
    <div class="people">${agentsCard(board)}</div>
  `;
}

function alarmsView(): TemplateResult {
  return html`${alarmHistory(board)} ${rulesView(board)}`;
}

setInterval(() => redraw(), TICK_MILLISECONDS);

if (token() === null) location.replace("/login?next=/console");
else
  board.start().catch((error: unknown) => {
    start.error = words(error);
    redraw();
  });
