/**
 * Delay is the time between two tries to connect. It is doubled with each failure, and partly
 * random, so that the clients of a server that comes back do not all come at once.
 */
export class Delay {
  #first = 1_000;
  #failures = 0;
  #end: (() => void) | undefined;
  readonly #most: number;
  readonly #random: () => number;

  constructor(most: number, random: () => number = Math.random) {
    this.#most = most;
    this.#random = random;
  }

  /** Sets the first delay, which the server says. */
  setFirst(milliseconds: number): void {
    this.#first = milliseconds;
  }

  /** Forgets the failures. */
  reset(): void {
    this.#failures = 0;
  }

  /** Ends the running delay. */
  end(): void {
    this.#end?.();
  }

  /** Waits for the next delay, of at least some milliseconds, or until end is called. */
  next(atLeast = 0): Promise<void> {
    const delay = Math.max(this.milliseconds(), atLeast);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.end(), delay);
      this.#end = () => {
        clearTimeout(timer);
        this.#end = undefined;
        resolve();
      };
    });
  }

  /** Counts a failure, and returns the delay after it: half of it is fixed, the rest random. */
  milliseconds(): number {
    const delay = Math.min(this.#first * 2 ** this.#failures, this.#most);
    this.#failures++;
    return delay / 2 + (delay / 2) * this.#random();
  }
}
