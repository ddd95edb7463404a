/** Recordings: found, heard with their waveform, kept if permitted, scored by a sheet. Every hearing is audited. */

import { html, nothing, type TemplateResult } from "lit";
import { blob, get, type Page } from "../shared/api";
import { duration, label, moment } from "../shared/i18n";
import { closeSound, openSound, player, type Recording, type Sound } from "../shared/player";
import type { Board } from "./board";
import { forgetScores, scoreForm } from "./scores";
import { coded, t } from "./words";

const state: { found: Recording[] | null; next: string | null; query: string; sound: Sound | null } = {
  found: null,
  next: null,
  query: "",
  sound: null,
};

export function recordingsView(board: Board): TemplateResult {
  const search = (event: SubmitEvent): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const query = new URLSearchParams();
    for (const name of ["queue", "agent", "call_id"]) {
      const value = String(given.get(name) ?? "").trim();
      if (value !== "") query.set(name, value);
    }
    const day = String(given.get("day") ?? "");
    if (day !== "") {
      const from = new Date(`${day}T00:00:00`);
      query.set("started_from", from.toISOString());
      query.set("started_to", new Date(from.getTime() + 86_400_000).toISOString());
    }
    void find(board, query.toString(), null);
  };
  return html`
    <section class="card wide" aria-labelledby="recordings-title" data-test="recordings">
      <h2 id="recordings-title">${t("recordings.title")}</h2>
      <form class="row" role="search" @submit=${search}>
        <label class="field">${t("recordings.day")} <input type="date" name="day" /></label>
        <label class="field">${t("queue")}
          <select name="queue"><option value="">${t("all_queues")}</option>${board.rows("queues").map((one) => html`<option value=${one.name}>${label(one)}</option>`)}</select>
        </label>
        <label class="field">${t("agent.number")} <input name="agent" pattern="[A-Za-z0-9]{1,20}" autocomplete="off" /></label>
        <label class="field">${t("recordings.call")} <input name="call_id" maxlength="80" autocomplete="off" /></label>
        <button type="submit" class="primary" ?disabled=${board.busy.has("recordings")}>${t("search")}</button>
      </form>
      ${list(board)}
    </section>
  `;
}

async function find(board: Board, query: string, cursor: string | null): Promise<void> {
  await board.act("recordings", async () => {
    const page = await get<Page<Recording>>(`/recordings?limit=50&${query}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
    state.found = [...(cursor === null ? [] : (state.found ?? [])), ...page.items];
    Object.assign(state, { next: page.next_cursor, query });
  });
}

function list(board: Board): TemplateResult | typeof nothing {
  if (state.found === null) return nothing;
  if (state.found.length === 0) return html`<p class="soft" data-test="recordings-none">${t("recordings.none")}</p>`;
  return html`
    <div class="scroll">
      <table>
        <thead>
          <tr><th>${t("recordings.begun")}</th><th class="number">${t("recordings.length")}</th><th>${t("queue")}</th><th>${t("agent")}</th><th>${t("recordings.purpose")}</th><th class="number">${t("rating")}</th><th></th></tr>
        </thead>
        <tbody>
          ${state.found.map(
            (one) => html`
              <tr data-recording=${one.id}>
                <td><time>${moment(one.started_at)}</time></td>
                <td class="number">${one.duration_seconds === null ? "–" : duration(one.duration_seconds)}</td>
                <td>${board.queueLabel(one.queue_name)}</td>
                <td class="numbers">${one.agent_number ?? "–"}</td>
                <td>${coded("purpose", one.purpose)} ${one.is_cut ? html`<span class="tag warn">${t("recording.cut")}</span>` : nothing} ${one.is_held ? html`<span class="tag">${t("recordings.held")}</span>` : nothing}</td>
                <td class="number">${one.rating ?? "–"}</td>
                <td class="number">
                  ${one.deleted_at === null
                    ? html`<button type="button" class="small-button" data-test="play" aria-expanded=${state.sound?.recordingId === one.id} ?disabled=${board.busy.has("play")} @click=${() => void open(board, one)}>${t("play")}</button>`
                    : html`<span class="soft">${t("recordings.deleted")}</span>`}
                </td>
              </tr>
              ${state.sound?.recordingId === one.id ? html`<tr><td colspan="7">${player(state.sound, beside(board, one))} ${scoreForm(board, one)}</td></tr>` : nothing}
            `,
          )}
        </tbody>
      </table>
    </div>
    ${state.next === null ? nothing : html`<button type="button" @click=${() => void find(board, state.query, state.next)}>${t("more")}</button>`}
  `;
}

async function open(board: Board, one: Recording): Promise<void> {
  closeSound(state.sound);
  state.sound = null;
  forgetScores();
  await board.act("play", async () => {
    state.sound = await openSound(one.id);
  });
}

function beside(board: Board, one: Recording): TemplateResult {
  const keep = (): void => {
    void board.act("download", async () => {
      const url = URL.createObjectURL(await blob(`/recordings/${one.id}/audio?download=true`));
      const link = document.createElement("a");
      link.href = url;
      link.download = `recording-${one.id}.wav`;
      link.click();
      URL.revokeObjectURL(url);
    });
  };
  return html`<button type="button" data-test="download" @click=${keep}>${t("download")}</button>`;
}
