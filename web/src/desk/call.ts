/** The call's card: whom one talks with, for how long, and everything that can be done with the call. */

import { html, nothing, type TemplateResult } from "lit";
import { duration, label } from "../shared/i18n";
import type { Desk } from "./model";
import { t } from "./words";

type Open = "none" | "keypad" | "transfer";
const KINDS = ["agent", "expert", "queue", "number"] as const;
const open: { what: Open; kind: (typeof KINDS)[number] } = { what: "none", kind: "agent" };

export function callCard(desk: Desk): TemplateResult {
  const phase = desk.phase;
  const isTheirs = desk.pop !== null && desk.pop.call_id === (desk.call?.call_id ?? desk.state?.call_id) && desk.pop.direction === "inbound";
  const peer = (isTheirs ? desk.pop?.caller_masked : null) ?? desk.call?.peer_masked ?? "";
  const since = desk.call?.since ?? desk.state?.activity_since;
  if (phase === "none") open.what = "none";
  return html`
    <section class="card call ${phase}" aria-labelledby="call-title" data-test="call" data-phase=${phase}>
      <h2 id="call-title">${t(`call.${phase}`)}</h2>
      ${phase === "none"
        ? dialForm(desk)
        : html`
            <p class="peer numbers" data-test="peer">${peer}</p>
            <p class="soft">
              ${desk.call?.queue ? label(desk.queueLabel(desk.call.queue)) : ""}
              ${since ? html`<time class="numbers">${duration((Date.now() - Date.parse(since)) / 1000)}</time>` : nothing}
            </p>
            ${phase === "ringing" ? ringing(desk) : talking(desk)}
          `}
    </section>
  `;
}

function ringing(desk: Desk): TemplateResult {
  if (!desk.inBrowser) return html`<p class="hint">${t("call.answer_at_telephone")}</p>`;
  return html`
    <div class="row">
      <button class="primary answer pulse" type="button" aria-keyshortcuts="F2" data-test="answer" @click=${() => desk.phone.answer()}>
        ${t("do.answer")} <kbd>F2</kbd>
      </button>
      <button class="danger" type="button" aria-keyshortcuts="F4" data-test="reject" @click=${() => hangUp(desk)}>${t("do.reject")} <kbd>F4</kbd></button>
    </div>
  `;
}

function talking(desk: Desk): TemplateResult {
  const phase = desk.phase;
  const isHeld = phase === "held";
  const isConsulting = phase === "consulting";
  return html`
    <div class="controls">
      <button class="danger" type="button" aria-keyshortcuts="F4" data-test="hang-up" @click=${() => hangUp(desk)}>
        ${t("do.hang_up")} <kbd>F4</kbd>
      </button>
      <button
        type="button"
        aria-pressed=${isHeld}
        aria-keyshortcuts="F7"
        data-test="hold"
        ?disabled=${isConsulting || phase === "conference" || desk.busy.has("hold") || desk.busy.has("unhold")}
        @click=${() => hold(desk)}
      >
        ${isHeld ? t("do.unhold") : t("do.hold")} <kbd>F7</kbd>
      </button>
      <button type="button" aria-pressed=${desk.muted} aria-keyshortcuts="F8" data-test="mute" @click=${() => mute(desk)}>
        ${desk.muted ? t("do.unmute") : t("do.mute")} <kbd>F8</kbd>
      </button>
      ${toggle(desk, "keypad")} ${isConsulting || phase === "conference" ? nothing : toggle(desk, "transfer")}
      <button
        type="button"
        aria-pressed=${desk.call?.recording_paused ?? false}
        data-test="recording"
        ?disabled=${desk.call === null}
        @click=${() => void desk.command(desk.call?.recording_paused ? "recording/resume" : "recording/pause")}
      >
        ${desk.call?.recording_paused ? t("do.recording_resume") : t("do.recording_pause")}
      </button>
    </div>
    ${isConsulting
      ? html`
          <div class="row consult" role="group" aria-label=${t("call.consulting")}>
            <button class="primary" type="button" data-test="complete" @click=${() => void desk.command("complete-transfer")}>${t("do.complete")}</button>
            <button type="button" data-test="conference" @click=${() => void desk.command("conference")}>${t("do.conference")}</button>
            <button type="button" data-test="back" @click=${() => void desk.command("cancel-transfer")}>${t("do.cancel_transfer")}</button>
          </div>
        `
      : nothing}
    ${open.what === "keypad" ? keypad(desk) : nothing} ${open.what === "transfer" ? transferForm(desk) : nothing}
  `;
}

function toggle(desk: Desk, what: Exclude<Open, "none">): TemplateResult {
  const click = (): void => {
    open.what = open.what === what ? "none" : what;
    desk.changed();
  };
  return html`<button type="button" aria-expanded=${open.what === what} data-test=${what} @click=${click}>${t(`do.${what}`)}</button>`;
}

function keypad(desk: Desk): TemplateResult {
  const press = (key: string): void => {
    if (desk.inBrowser) desk.phone.sendKeys(key);
    else void desk.command("keypad", { keys: key });
  };
  return html`
    <div class="keypad" role="group" aria-label=${t("do.keypad")}>
      ${[..."123456789*0#"].map((key) => html`<button type="button" @click=${() => press(key)}>${key}</button>`)}
    </div>
  `;
}

function transferForm(desk: Desk): TemplateResult {
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const how = (event.submitter as HTMLButtonElement).value;
    const to = String(form.get("to") ?? "").trim();
    if (to === "") return;
    void desk.passOn(how as "transfer" | "consult", { kind: open.kind, to }).then((done) => {
      if (done) open.what = "none";
      desk.changed();
    });
  };
  return html`
    <form class="stack transfer" @submit=${send}>
      <fieldset class="row">
        <legend class="unseen">${t("transfer.kind")}</legend>
        ${KINDS.map(
          (kind) => html`
            <label class="row"><input type="radio" name="kind" .checked=${open.kind === kind} @change=${() => chooseKind(desk, kind)} /> ${t(`transfer.${kind}`)}</label>
          `,
        )}
      </fieldset>
      <label for="transfer-to">${open.kind === "queue" ? t("transfer.queue") : open.kind === "number" ? t("transfer.number") : t("transfer.agent_number")}</label>
      ${open.kind === "queue"
        ? html`<select id="transfer-to" name="to" required>${desk.queues.map((queue) => html`<option value=${queue.name}>${label(queue)}</option>`)}</select>`
        : html`<input id="transfer-to" name="to" required autocomplete="off" inputmode="tel" maxlength="40" data-test="transfer-to" />`}
      <div class="row">
        <button type="submit" value="consult" data-test="consult">${t("do.consult")}</button>
        <button type="submit" value="transfer" data-test="blind">${t("do.transfer_now")}</button>
      </div>
    </form>
  `;
}

function chooseKind(desk: Desk, kind: (typeof KINDS)[number]): void {
  open.kind = kind;
  desk.changed();
}

function dialForm(desk: Desk): TemplateResult {
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const number = String(new FormData(form).get("number") ?? "").trim();
    if (number !== "") void desk.dial(number).then((done) => done && form.reset());
  };
  return html`
    <form class="stack" @submit=${send}>
      <label for="dial">${t("dial.number")}</label>
      <div class="with-button">
        <input id="dial" name="number" inputmode="tel" autocomplete="off" maxlength="40" data-test="dial-number" />
        <button type="submit" data-test="dial" ?disabled=${!desk.canTakeCalls || desk.busy.has("dial")}>${t("do.dial")}</button>
      </div>
    </form>
  `;
}

// -- what buttons and keys do

export function hangUp(desk: Desk): void {
  if (desk.inBrowser && desk.phone.call !== null) desk.phone.hangUp();
  else void desk.command("hang-up");
}

export function hold(desk: Desk): void {
  void desk.command(desk.phase === "held" ? "unhold" : "hold");
}

export function mute(desk: Desk): void {
  if (desk.inBrowser) desk.phone.mute(!desk.muted);
  else void desk.command(desk.muted ? "unmute" : "mute");
}
