/**
 * The telephone in the page: SIP over WebSocket to Asterisk, speech by WebRTC. It heals by itself: JsSIP connects again
 * after a drop, and whatever made Asterisk refuse the account, another one is asked for.
 */

import * as JsSIP from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { IncomingRTCSessionEvent, UA } from "jssip/lib/UA";
import { Problem, post } from "../shared/api";
import { backoffMilliseconds } from "../shared/backoff";
import type { PhoneAccount } from "./types";

/**
 * `no-account`: the service or the PBX does not give one now. `no-connection`: Asterisk is not reached, or does not
 * take the registration. `microphone-refused`, `microphone-missing`: nobody could hear the agent.
 */
export type PhoneState = "off" | "connecting" | "registered" | "no-account" | "no-connection" | MicrophoneFault;
export type MicrophoneFault = "microphone-refused" | "microphone-missing";

export interface PhoneCall {
  state: "ringing" | "talking";
  muted: boolean;
}

const CONSTRAINTS: MediaStreamConstraints = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: false,
};
const ICE_MILLISECONDS = 800;
const REGISTER_SECONDS = 60;
const RECONNECT_SECONDS = { least: 1, most: 5 };
const AUTO_ANSWER_MILLISECONDS = 35_000;

export class BrowserPhone {
  state: PhoneState = "off";
  call: PhoneCall | null = null;
  #ua: UA | null = null;
  #session: RTCSession | null = null;
  #iceServers: RTCIceServer[] = [];
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #autoAnswerUntil = 0;
  readonly #audio: HTMLAudioElement;
  readonly #ring = new RingTone();

  /** `changed`: draw again. */
  constructor(readonly changed: () => void) {
    this.#audio = document.createElement("audio");
    this.#audio.autoplay = true;
    this.#audio.id = "phone-audio";
    document.body.append(this.#audio);
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#afterMicrophoneChange());
    void this.#watchPermission();
    window.addEventListener("online", () => this.#retry(0));
    window.addEventListener("pagehide", () => this.#ua?.stop());
  }

  /** At the seat: get an account and register; does nothing when it is up already. */
  start(): void {
    if (this.state === "off") void this.#begin();
  }

  /** The seat was left. A call in progress goes on in Asterisk without us, so this is never called during one. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#drop();
    this.#set("off");
  }

  answer(): void {
    if (this.#session === null || this.call?.state !== "ringing") return;
    this.#session.answer({ mediaConstraints: CONSTRAINTS, pcConfig: { iceServers: this.#iceServers } });
  }

  hangUp(): void {
    if (this.#session !== null && !this.#session.isEnded()) this.#session.terminate();
  }

  mute(muted: boolean): void {
    if (muted) this.#session?.mute({ audio: true });
    else this.#session?.unmute({ audio: true });
  }

  sendKeys(keys: string): void {
    this.#session?.sendDTMF(keys, { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833 });
  }

  /** The agent has asked for a call: what rings next is answered at once. */
  expectOwnCall(): void {
    this.#autoAnswerUntil = Date.now() + AUTO_ANSWER_MILLISECONDS;
  }

  /** For who wants to see how it hears (tests, support). */
  get connection(): RTCPeerConnection | null {
    return this.#session?.connection ?? null;
  }

  // -- registration

  async #begin(): Promise<void> {
    this.#set("connecting");
    const fault = await microphoneFault();
    if (fault !== null) {
      this.#set(fault);
      return;
    }
    let account: PhoneAccount;
    try {
      account = await post<PhoneAccount>("/agents/me/phone/account");
    } catch (error) {
      this.#set(error instanceof Problem && error.code === "network" ? "no-connection" : "no-account");
      if (!(error instanceof Problem && error.status === 401)) this.#retry();
      return;
    }
    this.#iceServers = account.ice_servers.map(({ url, username, credential }) => ({
      urls: url,
      ...(username === null || credential === null ? {} : { username, credential }),
    }));
    this.#register(account);
  }

  #register(account: PhoneAccount): void {
    this.#drop();
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(account.socket_url)],
      uri: account.uri,
      authorization_user: account.username,
      password: account.password,
      realm: account.realm,
      register_expires: REGISTER_SECONDS,
      connection_recovery_min_interval: RECONNECT_SECONDS.least,
      connection_recovery_max_interval: RECONNECT_SECONDS.most,
      user_agent: "callcenter-desk",
    });
    this.#ua = ua;
    ua.on("registered", () => {
      if (ua !== this.#ua) return;
      this.#tries = 0;
      this.#set("registered");
    });
    ua.on("disconnected", () => {
      if (ua === this.#ua) this.#set("no-connection");
    });
    ua.on("registrationFailed", ({ cause }: { cause?: string }) => {
      if (ua !== this.#ua) return;
      this.#set("no-connection");
      if (cause !== JsSIP.C.causes.CONNECTION_ERROR) this.#retry();
    });
    ua.on("newRTCSession", (event: IncomingRTCSessionEvent) => {
      if (event.originator === "remote" && ua === this.#ua) this.#rings(event.session, asksToAnswer(event.request));
    });
    ua.start();
  }

  /** With a new account; but never under a call, which outlives a registration. */
  #retry(milliseconds = backoffMilliseconds(this.#tries++)): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.state === "off" || this.state === "registered") return;
      if (this.call === null) void this.#begin();
      else this.#retry();
    }, milliseconds);
  }

  #drop(): void {
    const ua = this.#ua;
    this.#ua = null;
    ua?.stop();
    this.#ended(this.#session);
  }

  #set(state: PhoneState): void {
    if (this.state === state) return;
    this.state = state;
    this.changed();
  }

  // -- microphone

  #afterMicrophoneChange(): void {
    if (this.state === "microphone-refused" || this.state === "microphone-missing") void this.#begin();
  }

  async #watchPermission(): Promise<void> {
    const permission = await navigator.permissions?.query({ name: "microphone" as PermissionName }).catch(() => null);
    permission?.addEventListener("change", () => {
      if (permission.state === "denied" && this.state !== "off" && this.call === null) {
        this.#drop();
        this.#set("microphone-refused");
      } else this.#afterMicrophoneChange();
    });
  }

  // -- one call

  #rings(session: RTCSession, answerAtOnce: boolean): void {
    if (this.#session !== null) {
      session.terminate({ status_code: 486 });
      return;
    }
    this.#session = session;
    this.call = { state: "ringing", muted: false };
    session.on("peerconnection", ({ peerconnection }: { peerconnection: RTCPeerConnection }) => {
      peerconnection.addEventListener("track", ({ streams, track }) => {
        this.#audio.srcObject = streams[0] ?? new MediaStream([track]);
      });
    });
    session.on("icecandidate", hurryIce());
    session.on("confirmed", () => this.#update({ state: "talking" }));
    session.on("muted", () => this.#update({ muted: true }));
    session.on("unmuted", () => this.#update({ muted: false }));
    session.on("ended", () => this.#ended(session));
    session.on("failed", ({ cause }: { cause: string }) => {
      this.#ended(session);
      if (cause === JsSIP.C.causes.USER_DENIED_MEDIA_ACCESS) {
        this.#drop();
        this.#set("microphone-refused");
      }
    });
    if (answerAtOnce || Date.now() < this.#autoAnswerUntil) {
      this.#autoAnswerUntil = 0;
      this.answer();
    } else this.#ring.start();
    this.changed();
  }

  #update(values: Partial<PhoneCall>): void {
    if (this.call === null) return;
    this.call = { ...this.call, ...values };
    if (this.call.state !== "ringing") this.#ring.stop();
    this.changed();
  }

  #ended(session: RTCSession | null): void {
    if (session === null || session !== this.#session) return;
    this.#session = null;
    this.call = null;
    this.#ring.stop();
    this.#audio.srcObject = null;
    this.changed();
  }
}

/** Why nobody could hear the agent; null: all is well. Asks for leave if that was not given yet. */
async function microphoneFault(): Promise<MicrophoneFault | null> {
  if (!navigator.mediaDevices) return "microphone-refused"; // the page did not come over HTTPS
  try {
    const stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
    for (const track of stream.getTracks()) track.stop();
    return null;
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    return name === "NotFoundError" || name === "NotReadableError" ? "microphone-missing" : "microphone-refused";
  }
}

/** An unreachable STUN server would hold the answer for many seconds: what is found in a moment has to do. */
function hurryIce(): (event: { ready: () => void }) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return ({ ready }) => {
    timer ??= setTimeout(ready, ICE_MILLISECONDS);
  };
}

/** Two soft tones, once in three seconds. */
class RingTone {
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): void {
    this.stop();
    this.#context ??= new AudioContext();
    void this.#context.resume();
    this.#beep();
    this.#timer = setInterval(() => this.#beep(), 3000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beep(): void {
    const context = this.#context;
    if (context === null || context.state !== "running") return;
    [440, 554].forEach((hertz, index) => {
      const [tone, volume] = [context.createOscillator(), context.createGain()];
      const at = context.currentTime + index * 0.35;
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.2, at + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.33);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.35);
    });
  }
}

/** A person whom a campaign called is on the line already (asterisk_conf/extensions_campaigns.conf.j2). */
function asksToAnswer(request: { getHeader(name: string): string | undefined }): boolean {
  return /;\s*answer-after=0\b/.test(request.getHeader("Call-Info") ?? "");
}
