/** Emergency announcements: spoken to callers first, from the next call on, until somebody ends them. */

import { html, nothing, type TemplateResult } from "lit";
import { get, post } from "../shared/api";
import { label, language, moment } from "../shared/i18n";
import type { Board } from "./board";
import { ask, closeDialog, openDialog } from "../shared/dialog";
import { t } from "./words";

interface Announcement {
  id: string;
  scope: "all" | "number" | "queue";
  name: string;
  text_zh: string;
  text_en: string;
  started_at: string;
  started_by: string;
}

let running: Announcement[] | null = null;

export function announcementCard(board: Board): TemplateResult {
  if (running === null && board.me !== null) {
    running = [];
    void load(board);
  }
  return html`
    <section class="card" aria-labelledby="announcements-title" data-test="announcements">
      <div class="row between">
        <h2 id="announcements-title">${t("announcements")}</h2>
        <button type="button" data-test="announce" @click=${() => openForm(board)}>${t("announce")}</button>
      </div>
      ${(running ?? []).map(
        (one) => html`
          <div class="row between announcement" data-announcement=${one.id}>
            <span>${language() === "en" ? one.text_en : one.text_zh} <span class="soft small">${where(board, one)} · ${one.started_by} · ${moment(one.started_at)}</span></span>
            <button type="button" class="small-button" data-test="end-announcement" @click=${() => void end(board, one)}>${t("announce.end")}</button>
          </div>
        `,
      )}
      ${running?.length === 0 ? html`<p class="soft">${t("announcements.none")}</p>` : nothing}
    </section>
  `;
}

function where(board: Board, one: Announcement): string {
  return one.scope === "all" ? t("all_queues") : one.scope === "queue" ? board.queueLabel(one.name) : one.name;
}

async function load(board: Board): Promise<void> {
  await board.act("announcements", async () => {
    const answer = await get<Announcement[] | { items: Announcement[] }>("/supervision/announcements");
    running = Array.isArray(answer) ? answer : answer.items;
  });
}

function openForm(board: Board): void {
  const start = (event: SubmitEvent): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const queue = String(given.get("queue") ?? "");
    const body = { ...(queue === "" ? {} : { queue }), text_zh: String(given.get("text_zh")), text_en: String(given.get("text_en")) };
    void (async () => {
      if (!(await ask(t("announce.sure"), t("announce.start")))) return;
      closeDialog();
      if (await board.act("announce", () => post("/supervision/announcements", body), t("announce.started"))) await load(board);
    })();
  };
  openDialog(() => ({
    title: t("announce"),
    body: html`
      <form class="stack" @submit=${start}>
        <label class="field">${t("announce.for")}
          <select name="queue"><option value="">${t("all_queues")}</option>${board.rows("queues").map((one) => html`<option value=${one.name}>${label(one)}</option>`)}</select>
        </label>
        <label class="field">${t("announce.zh")} <textarea name="text_zh" rows="2" maxlength="2000" required></textarea></label>
        <label class="field">${t("announce.en")} <textarea name="text_en" rows="2" maxlength="2000" required></textarea></label>
        <div class="row"><button type="submit" class="danger" data-test="start-announcement" ?disabled=${board.busy.has("announce")}>${t("announce.start")}</button></div>
      </form>
    `,
  }));
}

async function end(board: Board, one: Announcement): Promise<void> {
  if (await board.act("announce", () => post(`/supervision/announcements/${one.id}/end`), t("announce.ended"))) await load(board);
}
