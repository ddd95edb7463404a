/** Bars drawn with the page: how far something is, and how much of each there was. */

import { html, nothing, svg, type TemplateResult } from "lit";
import { coded, t } from "./words";

export interface Part {
  name: "reached" | "ended" | "dialling" | "due";
  count: number;
}

/** One bar of several parts; what is left of `whole` stays empty. */
export function stack(parts: Part[], whole: number, words: string): TemplateResult {
  let from = 0;
  return html`
    <svg class="stack-bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=${words}>
      <rect class="rest" width="100" height="8"></rect>
      ${parts.map(({ name, count }) => {
        const width = whole === 0 ? 0 : (100 * count) / whole;
        const drawn = svg`<rect class=${name} x=${from} width=${width} height="8"></rect>`;
        from += width;
        return drawn;
      })}
    </svg>
  `;
}

/** A row for each code with its count, its share and a bar; the most frequent first unless `order` says otherwise. */
export function counts(prefix: string, title: string, found: Record<string, number>, order?: (codes: string[]) => string[], words = coded): TemplateResult {
  const whole = Object.values(found).reduce((sum, count) => sum + count, 0);
  if (whole === 0) return html`<p class="soft">${t("nothing_yet")}</p>`;
  const codes = Object.keys(found).filter((code) => (found[code] ?? 0) > 0);
  const most = Math.max(...Object.values(found));
  const sorted = order === undefined ? codes.sort((one, other) => (found[other] ?? 0) - (found[one] ?? 0)) : order(codes);
  return html`
    <table class="counts" aria-label=${title} data-counts=${prefix}>
      <tbody>
        ${sorted.map((code) => {
          const count = found[code] ?? 0;
          return html`
            <tr data-code=${code}>
              <th scope="row">${words(prefix, code)}</th>
              <td class="bar-cell" aria-hidden="true">
                <svg viewBox="0 0 100 8" preserveAspectRatio="none"><rect class="of-${prefix} is-${code}" width=${(100 * count) / most} height="8"></rect></svg>
              </td>
              <td class="number strong">${count}</td>
              <td class="number soft">${percent(count / whole)}</td>
            </tr>
          `;
        })}
      </tbody>
    </table>
  `;
}

export function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}

export function figure(name: string, value: string | number, hint: string | typeof nothing = nothing): TemplateResult {
  return html`<div class="figure" title=${hint}><dt>${t(`figure.${name}` as "figure.due")}</dt><dd data-figure=${name}>${value}</dd></div>`;
}
