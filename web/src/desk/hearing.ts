/** What an agent may hear again: their own conversations, one at a time. */

import { nothing, type TemplateResult } from "lit";
import { get, type Page } from "../shared/api";
import { closeSound, openSound, player, type Recording, type Sound } from "../shared/player";
import type { Desk } from "./model";
import { t } from "./words";

let heard: { of: string; sound: Sound } | null = null;

export const isHeard = (of: string): boolean => heard?.of === of;

/** The player of what is heard under this name, if it is. */
export function hearing(of: string): TemplateResult | typeof nothing {
  return heard?.of === of ? player(heard.sound) : nothing;
}

export function hearCall(desk: Desk, callId: string): void {
  void hear(desk, callId, async () => {
    const { items } = await get<Page<Recording>>(`/recordings?call_id=${encodeURIComponent(callId)}`);
    return items.find((one) => one.deleted_at === null)?.id;
  });
}

/** `of`: the name under which the page shows it. */
export function hearRecording(desk: Desk, of: string, recordingId: number): void {
  void hear(desk, of, async () => recordingId);
}

async function hear(desk: Desk, of: string, find: () => Promise<number | undefined>): Promise<void> {
  const wasHeard = isHeard(of);
  closeSound(heard?.sound ?? null);
  heard = null;
  if (wasHeard) {
    desk.changed();
    return;
  }
  await desk.act("hear", async () => {
    const recordingId = await find();
    if (recordingId === undefined) desk.notice("info", t("own_calls.no_recording"));
    else heard = { of, sound: await openSound(recordingId) };
  });
}
