/** How long to wait before the n-th try again: 0.5 s, doubled up to 5 s, each a little different. */
export function backoffMilliseconds(tries: number): number {
  return Math.min(5000, 500 * 2 ** tries) * (0.75 + Math.random() / 2);
}

export const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
