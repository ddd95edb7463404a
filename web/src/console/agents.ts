/** The agents now: filtered, sorted, and what can be done with one. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { post, put, request } from "../shared/api";
import { duration, label } from "../shared/i18n";
import { seconds, type Board } from "./board";
import { hangUp } from "./callers";
import { ask, openDialog } from "../shared/dialog";
import { messageForm } from "./queues";
import type { AgentRow } from "./types";
import { coded, t } from "./words";

type Sort = "state" | "since" | "number";
const view: { text: string; queue: string; present: boolean; sort: Sort } = { text: "", queue: "", present: true, sort: "state" };
const ORDER = ["on_call", "ringing", "wrap_up", "available", "paused", "logged_out"];

/** What the agent does, else wants: one word for the row. */
export function doing(agent: AgentRow): string {
  return agent.activity === "idle" ? agent.wanted : agent.activity;
}

const since = (agent: AgentRow): string => (agent.activity === "idle" ? agent.wanted_since : agent.activity_since);
const TONES: Record<string, string> = { on_call: "busy", ringing: "busy", wrap_up: "warn", available: "good", paused: "warn", logged_out: "off" };

function shown(board: Board): AgentRow[] {
  const text = view.text.toLowerCase();
  const rows = board
    .rows("agents")
    .filter((agent) => !view.present || agent.wanted !== "logged_out")
    .filter((agent) => view.queue === "" || agent.queues.includes(view.queue))
    .filter((agent) => text === "" || agent.number.startsWith(text) || agent.name.toLowerCase().includes(text));
  const byNumber = (a: AgentRow, b: AgentRow): number => a.number.localeCompare(b.number);
  const compare: Record<Sort, (a: AgentRow, b: AgentRow) => number> = {
    number: byNumber,
    since: (a, b) => since(a).localeCompare(since(b)) || byNumber(a, b),
    state: (a, b) => ORDER.indexOf(doing(a)) - ORDER.indexOf(doing(b)) || since(a).localeCompare(since(b)) || byNumber(a, b),
  };
  return rows.sort(compare[view.sort]);
}

export function agentsCard(board: Board): TemplateResult {
  const rows = shown(board);
  const set = (change: Partial<typeof view>): void => {
    Object.assign(view, change);
    board.changed();
  };
  const value = (event: Event): string => (event.target as HTMLInputElement).value;
  return html`
    <section class="card" aria-labelledby="agents-title" data-test="agents">
      <div class="row between">
        <h2 id="agents-title">${t("agents.title")} <span class="tag">${rows.length}</span></h2>
        <form class="row filters" @submit=${(event: Event) => event.preventDefault()}>
          <label for="agent-text" class="unseen">${t("agents.find")}</label>
          <input id="agent-text" class="inline" placeholder=${t("agents.find")} autocomplete="off" @input=${(event: Event) => set({ text: value(event).trim() })} />
          <label for="agent-queue" class="unseen">${t("queue")}</label>
          <select id="agent-queue" class="inline" @change=${(event: Event) => set({ queue: value(event) })}>
            <option value="">${t("all_queues")}</option>
            ${board.rows("queues").map((queue) => html`<option value=${queue.name} ?selected=${queue.name === view.queue}>${label(queue)}</option>`)}
          </select>
          <label for="agent-sort" class="unseen">${t("sort")}</label>
          <select id="agent-sort" class="inline" @change=${(event: Event) => set({ sort: value(event) as Sort })}>
            ${(["state", "since", "number"] as const).map((sort) => html`<option value=${sort} ?selected=${sort === view.sort}>${t(`sort.${sort}`)}</option>`)}
          </select>
          <label class="check"><input type="checkbox" .checked=${view.present} @change=${(event: Event) => set({ present: (event.target as HTMLInputElement).checked })} /> ${t("agents.present")}</label>
          <button type="button" data-test="message-all" @click=${() => messageAll(board)}>${t("message.all")}</button>
        </form>
      </div>
      <div class="scroll tall">
        <table>
          <thead>
            <tr><th>${t("agent")}</th><th>${t("state")}</th><th class="number">${t("since")}</th><th>${t("call")}</th><th></th></tr>
          </thead>
          <tbody>
            ${repeat(
              rows,
              (agent) => agent.number,
              (agent) => agentRow(board, agent),
            )}
          </tbody>
        </table>
      </div>
    </section>
  `;
}

function agentRow(board: Board, agent: AgentRow): TemplateResult {
  const does = doing(agent);
  const reason = does === "paused" && agent.pause_reason !== null ? board.reasonLabel(agent.pause_reason) : coded("doing", does);
  return html`
    <tr data-agent=${agent.number}>
      <td><span class="numbers soft">${agent.number}</span> ${agent.name}</td>
      <td>
        <span class="dot ${TONES[does] ?? ""}"></span>${reason}
        ${does !== "paused" && agent.wanted === "paused" ? html`<span class="soft">· ${t("then_paused")}</span>` : nothing}
        ${agent.wanted !== "logged_out" && !agent.registered ? html`<span class="tag bad">${t("no_telephone")}</span>` : nothing}
      </td>
      <td class="number">${does === "logged_out" ? "" : duration(seconds(since(agent)))}</td>
      <td>
        ${agent.queue === null ? nothing : board.queueLabel(agent.queue)}
        ${agent.call_state === null || agent.call_state === "talking" || agent.call_state === "ringing" ? nothing : html`<span class="tag">${coded("call_state", agent.call_state)}</span>`}
        ${agent.direction === "outbound" ? html`<span class="tag">${t("outbound")}</span>` : nothing}
        ${agent.listener === null ? nothing : html`<span class="tag warn">${coded("mode", agent.mode ?? "listen")} · ${agent.listener}</span>`}
      </td>
      <td class="number"><button type="button" class="small-button" data-test="agent-actions" @click=${() => agentActions(board, agent.number)}>${t("actions")}</button></td>
    </tr>
  `;
}

function messageAll(board: Board): void {
  openDialog(() => ({ title: t("message.all"), body: messageForm(board, {}, t("message.to_all")) }));
}

// -- with one agent

function agentActions(board: Board, number: string): void {
  openDialog(() => {
    const agent = board.tables.agents.get(number);
    if (agent === undefined) return { title: number, body: html`<p>${t("gone")}</p>` };
    return {
      title: `${agent.number} ${agent.name}`,
      body: html`
        <p><span class="dot ${TONES[doing(agent)] ?? ""}"></span>${coded("doing", doing(agent))} · <span class="numbers">${duration(seconds(since(agent)))}</span></p>
        ${agent.activity === "on_call" ? conversation(board, agent) : nothing} ${states(board, agent)} ${memberships(board, agent)}
        ${agent.wanted === "logged_out" ? nothing : messageForm(board, { agent: number }, t("message.to_agent", { name: agent.name }))}
      `,
    };
  });
}

function conversation(board: Board, agent: AgentRow): TemplateResult {
  const path = `/supervision/agents/${agent.number}`;
  const listen = (mode: "listen" | "whisper" | "barge"): void => {
    void board.command(`listen ${agent.number}`, () => put(`${path}/listening`, { mode }), t(`${mode}.done`, { name: agent.name }));
  };
  const takeOver = async (): Promise<void> => {
    if (!(await ask(t("take_over.sure", { name: agent.name }), t("take_over")))) return;
    await board.command(`take ${agent.number}`, () => post(`${path}/take-over`), t("take_over.done", { name: agent.name }));
  };
  const stop = (): void => {
    void board.command("listen", () => request<{ command_id: number }>("DELETE", "/supervision/listening"), t("listen.stopped"));
  };
  return html`
    <h3>${t("conversation")}</h3>
    <div class="row" data-test="conversation">
      ${(["listen", "whisper", "barge"] as const).map(
        (mode) => html`<button type="button" data-test=${mode} aria-pressed=${agent.listener === board.me?.name && agent.mode === mode} @click=${() => listen(mode)}>${t(mode)}</button>`,
      )}
      ${agent.listener === board.me?.name ? html`<button type="button" @click=${stop}>${t("listen.stop")}</button>` : nothing}
      <button type="button" class="danger" data-test="take-over" @click=${() => void takeOver()}>${t("take_over")}</button>
      ${agent.call_id === null ? nothing : html`<button type="button" class="danger" data-test="hang-up" @click=${() => void hangUp(board, agent.call_id ?? "")}>${t("hang_up")}</button>`}
    </div>
  `;
}

function states(board: Board, agent: AgentRow): TemplateResult {
  const force = async (wanted: string, reason: string | null = null): Promise<void> => {
    if (wanted === "logged_out" && !(await ask(t("force.logged_out.sure", { name: agent.name }), t("force.logged_out")))) return;
    const body = reason === null ? { wanted } : { wanted, reason };
    const done = t("forced", { name: agent.name, state: reason === null ? coded("doing", wanted) : board.reasonLabel(reason) });
    await board.act(`state ${agent.number}`, () => put(`/supervision/agents/${agent.number}/state`, body), done);
  };
  const pause = (event: SubmitEvent): void => {
    event.preventDefault();
    void force("paused", String(new FormData(event.currentTarget as HTMLFormElement).get("reason")));
  };
  if (agent.wanted === "logged_out") return html`<p class="soft">${t("agent.away")}</p>`;
  return html`
    <h3>${t("state")}</h3>
    <div class="row">
      <button type="button" data-test="force-available" ?disabled=${agent.wanted === "available"} @click=${() => void force("available")}>${t("force.available")}</button>
      <form class="row" @submit=${pause}>
        <label for="force-reason" class="unseen">${t("force.paused")}</label>
        <select id="force-reason" name="reason" class="inline" required>
          ${board.reasons.filter((reason) => reason.active).map((reason) => html`<option value=${reason.code}>${label(reason)}</option>`)}
        </select>
        <button type="submit" data-test="force-paused">${t("force.paused")}</button>
      </form>
      <button type="button" class="danger" data-test="force-out" @click=${() => void force("logged_out")}>${t("force.logged_out")}</button>
    </div>
  `;
}

let until: "today" | "always" = "today";

function memberships(board: Board, agent: AgentRow): TemplateResult {
  const set = (queue: string, member: boolean): void => {
    const done = t(member ? "member.in.done" : "member.out.done", { name: agent.name, queue: board.queueLabel(queue) });
    void board.act(`member ${agent.number} ${queue}`, () => put(`/supervision/agents/${agent.number}/queues/${queue}`, { member, until }), done);
  };
  return html`
    <h3>${t("member.title")}</h3>
    <div class="row" role="group" aria-label=${t("member.title")}>
      ${board.rows("queues").map((queue) => {
        const isMember = agent.queues.includes(queue.name);
        return html`<button type="button" data-test="member-${queue.name}" aria-pressed=${isMember} @click=${() => set(queue.name, !isMember)}>${label(queue)}</button>`;
      })}
    </div>
    <label class="check"><input type="checkbox" data-test="for-good" .checked=${until === "always"} @change=${(event: Event) => {
      until = (event.target as HTMLInputElement).checked ? "always" : "today";
    }} /> ${t("member.always")}</label>
  `;
}

