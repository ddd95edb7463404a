/** /login: user name and password for a token, then the page of one's role. */

import "./styles/base.css";
import "./styles/login.css";
import { html, nothing, type TemplateResult } from "lit";
import { get, post, whenSignedOut, words } from "./shared/api";
import { translator } from "./shared/i18n";
import { keepToken, PAGES, pagesOf, token, type Me } from "./shared/session";
import { topBar } from "./shared/topbar";
import { element, mount } from "./shared/view";
import texts from "./texts/login.json";

const t = translator(texts);
const state = { busy: false, error: "", visible: false };
const redraw = mount(element("page"), page);
whenSignedOut(() => redraw());
if (token() !== null) void go(true);

function page(): TemplateResult {
  document.title = `${t("page.login")} · ${t("product")}`;
  return html`
    <header>${topBar(null)}</header>
    <main id="main" class="login">
      <form class="card" @submit=${submit} aria-busy=${state.busy}>
        <h1>${t("title")}</h1>
        <label for="username">${t("username")}</label>
        <input id="username" name="username" required maxlength="200" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus />
        <label for="password">${t("password")}</label>
        <div class="with-button">
          <input id="password" name="password" type=${state.visible ? "text" : "password"} required maxlength="200" autocomplete="current-password" />
          <button type="button" class="quiet" aria-pressed=${state.visible} @click=${toggle}>${state.visible ? t("hide") : t("show")}</button>
        </div>
        <p class="error" role="alert" data-test="error">${state.error || nothing}</p>
        <button class="primary" type="submit" ?disabled=${state.busy}>${state.busy ? t("busy") : t("page.login")}</button>
      </form>
      <p class="hint">${t("hint")}</p>
    </main>
  `;
}

function toggle(): void {
  state.visible = !state.visible;
  redraw();
}

async function submit(event: SubmitEvent): Promise<void> {
  event.preventDefault();
  if (state.busy) return;
  const form = new FormData(event.currentTarget as HTMLFormElement);
  Object.assign(state, { busy: true, error: "" });
  redraw();
  try {
    const { token: given } = await post<{ token: string }>("/auth/login", {
      username: form.get("username"),
      password: form.get("password"),
    });
    keepToken(given);
    await go(false);
  } catch (error) {
    state.error = words(error);
  }
  state.busy = false;
  redraw();
}

/** To the page that was asked for, if it is one of ours, otherwise to the first of one's role. */
async function go(quietly: boolean): Promise<void> {
  try {
    const me = await get<Me>("/auth/me");
    const mine = pagesOf(me).map((page) => page.path as string);
    const asked = new URLSearchParams(location.search).get("next");
    const target = asked !== null && PAGES.some((page) => page.path === asked) && mine.includes(asked) ? asked : mine[0];
    if (target === undefined) throw new Error("no page");
    location.replace(target);
  } catch (error) {
    if (quietly) return;
    state.error = error instanceof Error && error.message === "no page" ? t("no_page") : words(error);
  }
}
