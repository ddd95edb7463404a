/** Server-sent events read by fetch, because EventSource cannot send the bearer header. Connects again by itself. */

import { API, headers, problem } from "./api";
import { backoffMilliseconds, pause } from "./backoff";

export interface StreamEvents {
  event(name: string, data: unknown): void;
  connected(yes: boolean): void;
  /** 4xx: it is of no use to try again. */
  refused(error: Error): void;
}

/** Silence longer than this is a dead line: the server sends at least a comment more often. */
const SILENCE_MILLISECONDS = 30_000;

/** Reads `path` for ever; returns what ends it. */
export function openStream(path: string, events: StreamEvents): () => void {
  const ended = new AbortController();
  void follow(path, events, ended.signal);
  return () => ended.abort();
}

async function follow(path: string, events: StreamEvents, ended: AbortSignal): Promise<void> {
  for (let tries = 0; !ended.aborted; tries++) {
    const dead = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hear = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => dead.abort(), SILENCE_MILLISECONDS);
    };
    try {
      hear();
      const response = await fetch(API + path, {
        headers: { ...headers(), Accept: "text/event-stream" },
        signal: AbortSignal.any([ended, dead.signal]),
        cache: "no-store",
        credentials: "omit",
      });
      if (!response.ok || response.body === null) {
        const error = await problem(response);
        if (response.status >= 400 && response.status < 500 && response.status !== 429) {
          events.refused(error);
          return;
        }
        throw error;
      }
      events.connected(true);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser(events.event.bind(events));
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        hear();
        tries = 0;
        parser.feed(part.value);
      }
    } catch (error) {
      if (ended.aborted) return;
      console.info("stream lost", error);
    } finally {
      clearTimeout(timer);
    }
    events.connected(false);
    await pause(backoffMilliseconds(tries));
  }
}

/** text/event-stream, by the HTML standard; data is JSON. */
export class EventParser {
  #rest = "";
  #name = "message";
  #data: string[] = [];

  constructor(readonly emit: (name: string, data: unknown) => void) {}

  feed(text: string): void {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === "") {
      if (this.#data.length > 0) this.emit(this.#name, JSON.parse(this.#data.join("\n")));
      this.#name = "message";
      this.#data = [];
      return;
    }
    const [field, value] = line.split(/:(.*)/s, 2) as [string, string | undefined];
    const content = (value ?? "").replace(/^ /, "");
    if (field === "event") this.#name = content;
    if (field === "data") this.#data.push(content);
  }
}
