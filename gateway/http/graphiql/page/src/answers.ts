/** The `extensions` of the newest answer, for the plan pane. */
export type Extensions = Record<string, unknown>;

export class Answers {
  #newest: Extensions | null = null;
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly newest = (): Extensions | null => this.#newest;

  record(extensions: Extensions | null): void {
    this.#newest = extensions;
    this.#listeners.forEach((listener) => listener());
  }
}
