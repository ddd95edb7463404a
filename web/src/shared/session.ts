/** The log-in of this tab. sessionStorage: gone with the tab, not shared with others, never sent by itself. */

const TOKEN = "callcenter.token";

export function token(): string | null {
  return sessionStorage.getItem(TOKEN);
}

export function keepToken(value: string): void {
  sessionStorage.setItem(TOKEN, value);
}

export function forgetToken(): void {
  sessionStorage.removeItem(TOKEN);
}

/** As GET /auth/me answers. */
export interface Me {
  kind: "user" | "api_key";
  id: string;
  name: string;
  roles: string[];
  queue_scope: string[];
}

/** The pages there are, and who may use which (admin all of them). */
export const PAGES = [
  { path: "/desk", label: "page.desk", roles: ["agent", "expert"] },
  { path: "/console", label: "page.console", roles: ["supervisor"] },
  { path: "/workload", label: "page.workload", roles: ["supervisor", "quality"] },
  { path: "/campaigns", label: "page.campaigns", roles: ["scheduler", "supervisor", "quality"] },
] as const;

export function pagesOf(me: Me): (typeof PAGES)[number][] {
  return PAGES.filter((page) => me.roles.some((role) => role === "admin" || (page.roles as readonly string[]).includes(role)));
}
