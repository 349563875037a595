// Pictures that the server has to make first: two at a time, so that a store that answers slowly never keeps the rest of the page waiting,
// for a browser opens six connections in all.

const AT_ONCE = 2;
let running = 0;
const waiting: (() => void)[] = [];

/** Wait for a turn; gives the function that ends it. A turn that is given up before it comes is left out. */
export async function turn(signal: AbortSignal): Promise<() => void> {
  while (running >= AT_ONCE) {
    await new Promise<void>((resolve) => waiting.push(resolve));
    if (signal.aborted) {
      waiting.shift()?.();
      throw new DOMException("Nobody looks any more.", "AbortError");
    }
  }
  running += 1;
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    running -= 1;
    waiting.shift()?.();
  };
}
