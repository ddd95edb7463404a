/** A recording's sound with its waveform. It is fetched when somebody asks to hear it: every hearing is audited. */

import { html, nothing, svg, type TemplateResult } from "lit";
import { blob, get, Problem } from "./api";
import { t } from "./i18n";

/** Of `GET /recordings`, what the pages use. */
export interface Recording {
  id: number;
  call_id: string;
  purpose: string;
  queue_name: string | null;
  agent_number: string | null;
  rating: number | null;
  started_at: string;
  duration_seconds: number | null;
  deleted_at: string | null;
  stored_at: string | null;
  is_cut: boolean;
  is_held: boolean;
}

interface Waveform {
  duration_seconds: number;
  is_cut: boolean;
  sides: Partial<Record<"caller" | "agent" | "both", number[]>>;
}

export interface Sound {
  recordingId: number;
  url: string;
  wave: Waveform | null;
}

const POINTS = 800;
const HALF_HEIGHT = 40;

/** Raises Problem. The sound is to be closed when nobody hears it any more. */
export async function openSound(recordingId: number): Promise<Sound> {
  const [sound, wave] = await Promise.all([blob(`/recordings/${recordingId}/audio`), loadWaveform(recordingId)]);
  return { recordingId, url: URL.createObjectURL(sound), wave };
}

/** Null: the recording is not stored yet; it can be heard all the same. */
async function loadWaveform(recordingId: number): Promise<Waveform | null> {
  try {
    return await get<Waveform>(`/recordings/${recordingId}/waveform?points=${POINTS}`);
  } catch (error) {
    if (error instanceof Problem && error.status === 409) return null;
    throw error;
  }
}

export function closeSound(sound: Sound | null): void {
  if (sound !== null) URL.revokeObjectURL(sound.url);
}

/** `beside`: what else may be done with it. */
export function player(sound: Sound, beside: TemplateResult | typeof nothing = nothing): TemplateResult {
  return html`
    <div class="stack player" data-test="player">
      ${sound.wave === null ? nothing : waveform(sound.wave)}
      <div class="row"><audio controls src=${sound.url} aria-label=${t("play")}></audio>${beside}</div>
    </div>
  `;
}

/** The caller above the line, the agent below it. */
function waveform(wave: Waveform): TemplateResult {
  const sides = Object.entries(wave.sides) as ["caller" | "agent" | "both", number[]][];
  const width = Math.max(1, ...sides.map(([, peaks]) => peaks.length));
  const seek = (event: MouseEvent): void => {
    const drawing = event.currentTarget as SVGElement;
    const box = drawing.getBoundingClientRect();
    const audio = drawing.closest(".player")?.querySelector("audio");
    if (audio) audio.currentTime = ((event.clientX - box.left) / box.width) * wave.duration_seconds;
  };
  return html`
    <div class="soft small">${sides.map(([side]) => t(`side.${side}`)).join(" / ")}${wave.is_cut ? html` <span class="tag warn">${t("recording.cut")}</span>` : nothing}</div>
    <svg class="waveform" viewBox="0 0 ${width} ${2 * HALF_HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${t("waveform")} data-test="waveform" @click=${seek}>
      ${sides.map(([side, peaks], index) => svg`<path d=${outline(peaks, sides.length === 1 || index > 0)} class="side-${side}"></path>`)}
    </svg>
  `;
}

function outline(peaks: number[], below: boolean): string {
  return peaks.map((peak, at) => `M${at} ${HALF_HEIGHT}v${(below ? 1 : -1) * Math.max(0.5, (peak / 255) * HALF_HEIGHT)}`).join("");
}
