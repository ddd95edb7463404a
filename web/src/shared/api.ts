/** The public API, as any other client speaks it: bearer token, JSON, problem+json. */

import { language, t } from "./i18n";
import { forgetToken, token } from "./session";

export const API = "/api/v1";

/** Anything the service says no with. Decide by `code`; `message` is a sentence in the reader's language. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    readonly fields: readonly FieldError[] = [],
  ) {
    super(message);
  }
}

export interface FieldError {
  in: string;
  pointer: string;
  reason: string;
}

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

let onSignedOut: () => void = () => location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);

/** What is to happen when the token is no longer good; without it: off to the log-in. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

/** Raises Problem: also `network` (nothing answered) and `unreadable` (a proxy's own page). */
export async function request<Body>(method: Method, path: string, body?: unknown): Promise<Body> {
  const response = await send(method, path, body);
  if (response.status === 204) return undefined as Body;
  return (await read(response)) as Body;
}

export const get = <Body>(path: string): Promise<Body> => request("GET", path);
export const post = <Body>(path: string, body: unknown = {}): Promise<Body> => request("POST", path, body);
export const put = <Body>(path: string, body: unknown): Promise<Body> => request("PUT", path, body);
export const patch = <Body>(path: string, body: unknown): Promise<Body> => request("PATCH", path, body);
export const remove = (path: string): Promise<void> => request("DELETE", path);

/** A file of the API as an object URL for <audio> or <a download>: the token never stands in an address. */
export async function blob(path: string): Promise<Blob> {
  return (await send("GET", path)).blob();
}

/** Headers of every request; also for who reads a stream (sse.ts). */
export function headers(): Record<string, string> {
  const held = token();
  return {
    "Accept-Language": language() === "en" ? "en" : "zh-CN",
    ...(held === null ? {} : { Authorization: `Bearer ${held}` }),
  };
}

export async function send(method: Method, path: string, body?: unknown): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path.startsWith("/") ? API + path : path, {
      method,
      headers: { ...headers(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem(0, "network", t("problem.network"));
  }
  if (response.ok) return response;
  throw await problem(response);
}

export async function problem(response: Response): Promise<Problem> {
  const said = (await read(response).catch(() => null)) as Partial<ProblemDocument> | null;
  const found = new Problem(
    response.status,
    said?.code ?? "unreadable",
    said?.title ?? t("problem.status", { status: response.status }),
    said?.details,
    said?.errors,
  );
  if (response.status === 401 && token() !== null) {
    forgetToken();
    onSignedOut();
  }
  return found;
}

interface ProblemDocument {
  code: string;
  title: string;
  details: Record<string, unknown>;
  errors: FieldError[];
}

async function read(response: Response): Promise<unknown> {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/^application\/(problem\+)?json/.test(type)) throw new Problem(response.status, "unreadable", t("problem.unreadable"));
  return response.json();
}

/** What to show of any error. */
export function words(error: unknown): string {
  if (error instanceof Problem) return error.message;
  console.error(error);
  return t("problem.unexpected");
}
