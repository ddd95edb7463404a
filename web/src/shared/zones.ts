/** Moments on the clock of another place than the browser's. */

/** When clocks in the zone show `local` (2026-01-05T08:30), as the API takes it. */
export function instant(local: string, zone: string): string {
  const shown = new Date(`${local}Z`).getTime();
  let at = shown;
  // the offset at the guess, then the one at what it gives: right also next to a change of the clocks
  for (let turn = 0; turn < 2; turn++) at = shown - (wall(new Date(at), zone).getTime() - at);
  return new Date(at).toISOString();
}

/** What clocks in the zone show then: 2026-01-05T08:30. */
export function local(at: string | Date, zone: string): string {
  return wall(new Date(at), zone).toISOString().slice(0, 16);
}

/** What clocks in the zone show, as if it were UTC. */
export function wall(at: Date, zone: string): Date {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return new Date(`${part["year"]}-${part["month"]}-${part["day"]}T${part["hour"]}:${part["minute"]}:${part["second"]}Z`);
}

/** Whether the browser knows a zone of this name. */
export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
