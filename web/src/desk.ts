/** /desk: where an agent works. The page is never loaded again during a call; all it knows comes over the public API. */

import "./styles/base.css";
import "./styles/desk.css";
import { html, nothing, type TemplateResult } from "lit";
import { post, whenSignedOut, words } from "./shared/api";
import { translator } from "./shared/i18n";
import { keepToken, token } from "./shared/session";
import { topBar, whenLoggingOut } from "./shared/topbar";
import { element, mount } from "./shared/view";
import { banners } from "./desk/banners";
import { afterDialogs } from "./desk/after";
import { stateBar } from "./desk/bar";
import { callCard, hangUp, hold, mute } from "./desk/call";
import { figuresCard, loadDay, ownCallsCard } from "./desk/day";
import { writing } from "./desk/forms";
import { Desk } from "./desk/model";
import { popCard } from "./desk/pop";
import { loadPreview, previewCard } from "./desk/preview";
import { loadScores, scoresCard } from "./desk/scores";
import { doNotCallDialog, searchCard } from "./desk/search";
import { messagesCard, queuesCard } from "./desk/side";
import { coded, t } from "./desk/words";

const TICK_MILLISECONDS = 1000;
const DAY_MILLISECONDS = 60_000;
const PREVIEW_MILLISECONDS = 20_000;
const start = { error: "" };
let redraw = (): void => {};
const desk = new Desk(() => redraw());
redraw = mount(element("page"), page);

function page(): TemplateResult {
  document.title = title();
  return html`
    <header>${topBar(desk.me, stateBar(desk), desk.agent?.display_name)}</header>
    ${banners(desk)}
    <main id="main" class="desk">
      ${start.error ? html`<p class="error" role="alert" data-test="start-error">${start.error}</p>` : nothing}
      <div class="left">${callCard(desk)} ${previewCard(desk)} ${messagesCard(desk)} ${queuesCard(desk)} ${figuresCard()} ${scoresCard(desk)}</div>
      <div class="middle">${popCard(desk)} ${searchCard(desk)} ${ownCallsCard(desk)}</div>
      <div class="right">${writing(desk)}</div>
    </main>
    ${afterDialogs(desk)} ${doNotCallDialog()} ${sureDialog()} ${signInAgain()}
  `;
}

function title(): string {
  const name = `${translator({})("page.desk")} · ${translator({})("product")}`;
  return desk.phase === "ringing" ? `☎ ${t("call.ringing")} · ${name}` : name;
}

// -- dialogs

function sureDialog(): TemplateResult {
  return html`
    <dialog id="sure" aria-labelledby="sure-title">
      <form method="dialog" class="stack">
        <h2 id="sure-title">${t("sure.title")}</h2>
        <p>${t("sure.text")}</p>
        <div class="row">
          <button type="submit" value="" autofocus>${t("cancel")}</button>
          <button class="danger" type="submit" value="yes">${t("sure.call")}</button>
        </div>
      </form>
    </dialog>
  `;
}

desk.confirm = () => {
  const dialog = element("sure") as HTMLDialogElement;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
  });
};

/** The log-in ended, perhaps during a call: a new one on the same page, so that no conversation is cut. */
function signInAgain(): TemplateResult {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const password = String(new FormData(form).get("password"));
    void desk.act("sign-in", async () => {
      const { token: given } = await post<{ token: string }>("/auth/login", { username: desk.me?.name, password });
      keepToken(given);
      form.reset();
      (element("sign-in") as HTMLDialogElement).close();
      desk.resume();
    });
  };
  return html`
    <dialog id="sign-in" aria-labelledby="sign-in-title" @cancel=${(event: Event) => event.preventDefault()}>
      <form class="stack" @submit=${submit}>
        <h2 id="sign-in-title">${t("session.over")}</h2>
        <label for="again">${t("sign_in.password", { name: desk.me?.name ?? "" })}</label>
        <input id="again" name="password" type="password" required autocomplete="current-password" autofocus />
        <div class="row"><button class="primary" type="submit" ?disabled=${desk.busy.has("sign-in")}>${t("page.login")}</button></div>
      </form>
    </dialog>
  `;
}

whenSignedOut(() => {
  if (desk.me === null) {
    location.replace("/login?next=/desk");
    return;
  }
  desk.signedOut();
  const dialog = element("sign-in") as HTMLDialogElement;
  if (!dialog.open) dialog.showModal();
});

// -- what others did

desk.onCommandFailed = ({ action, reason }) => {
  desk.notice("bad", t("command.failed", { action: coded("action", action), reason: coded("reason", reason ?? "refused") }));
};

desk.onChangedByOthers = ({ before, after }) => {
  if (before?.["wanted"] === after?.["wanted"] && before?.["pause_reason"] === after?.["pause_reason"]) return;
  const to = coded("state", String(after?.["wanted"]));
  const who = after?.["cause"] === "supervisor" ? t("changed.supervisor", { who: String(after["actor"]) }) : t("changed.system");
  desk.notice("info", t("changed.to", { who, to }));
};

whenLoggingOut(async () => {
  if (desk.state !== null && desk.state.wanted !== "logged_out") await desk.want("logged_out");
});

// -- keys, time, leaving

const KEYS: Record<string, () => void> = {
  F2: () => desk.phone.answer(),
  F4: () => desk.phase !== "none" && hangUp(desk),
  F7: () => ["talking", "held"].includes(desk.phase) && hold(desk),
  F8: () => desk.phase !== "none" && desk.phase !== "ringing" && mute(desk),
  F9: () => desk.state?.wanted === "paused" && desk.canTakeCalls && void desk.want("available"),
};

window.addEventListener("keydown", (event) => {
  const act = event.ctrlKey || event.altKey || event.metaKey || event.shiftKey ? undefined : KEYS[event.key];
  if (act === undefined) return;
  event.preventDefault();
  if (!event.repeat) act();
});

window.addEventListener("beforeunload", (event) => {
  if (desk.phone.call !== null || desk.hasUnsavedWork) event.preventDefault();
});

setInterval(() => redraw(), TICK_MILLISECONDS);
setInterval(() => desk.link === "up" && void loadDay(desk), DAY_MILLISECONDS);
setInterval(() => desk.link === "up" && void loadPreview(desk), PREVIEW_MILLISECONDS);
desk.onCallEnded = () => void loadDay(desk);
desk.onScored = () => {
  desk.notice("info", t("scores.new"));
  void loadScores(desk);
};

if (token() === null) location.replace("/login?next=/desk");
else
  desk.start().then(() => Promise.all([loadDay(desk), loadScores(desk), loadPreview(desk)])).catch((error: unknown) => {
    start.error = words(error);
    redraw();
  });

/** For support, and for tests that listen: getStats() of the call that goes on. */
Object.assign(window, { deskPhone: desk.phone });
