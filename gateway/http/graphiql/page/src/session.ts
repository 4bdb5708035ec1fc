/**
 * Who this page acts as.
 *
 * The token lives in this object and nowhere else: not in storage, not in an address, not in a
 * cookie, so it is gone with the tab.
 */

export type SessionState =
  | { kind: 'anonymous' }
  | { kind: 'asking'; persona: string }
  | { kind: 'active'; persona: string; token: string; expiresAt: Date }
  | { kind: 'refused'; persona: string; reason: string };

/** The answer of an OAuth token endpoint: https://www.rfc-editor.org/rfc/rfc6749#section-5.1 */
interface TokenAnswer {
  access_token: string;
  expires_in: number;
}

/** A token with less than this left is renewed before it is used. */
const RENEW_BEFORE_MS = 10_000;

export class Session {
  #state: SessionState = { kind: 'anonymous' };
  #settled: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<() => void>();

  constructor(private readonly tokenUrl: string | null) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): SessionState => this.#state;

  /** Acts as `persona` from now on, or as nobody when it is empty. */
  choose(persona: string): Promise<void> {
    this.#become(persona ? { kind: 'asking', persona } : { kind: 'anonymous' });
    this.#settled = persona ? this.#ask(persona) : Promise.resolve();
    return this.#settled;
  }

  /** The header a request carries; waits for a token that is on its way and renews an old one. */
  async headers(): Promise<Record<string, string>> {
    await this.#settle();
    if (this.#state.kind === 'active' && this.#expired(this.#state.expiresAt)) {
      void this.choose(this.#state.persona);
      await this.#settle();
    }
    return this.#state.kind === 'active' ? { Authorization: `Bearer ${this.#state.token}` } : {};
  }

  /** The newest choice counts, also one that was made while an earlier one was awaited. */
  async #settle(): Promise<void> {
    for (let awaited; awaited !== this.#settled; ) {
      awaited = this.#settled;
      await awaited;
    }
  }

  #expired(expiresAt: Date): boolean {
    return expiresAt.getTime() - Date.now() < RENEW_BEFORE_MS;
  }

  async #ask(persona: string): Promise<void> {
    const answer = await this.#token(persona);
    // Another persona may have been chosen while this one's token was on its way.
    if (this.#state.kind === 'asking' && this.#state.persona === persona) {
      this.#become(answer);
    }
  }

  async #token(persona: string): Promise<SessionState> {
    if (this.tokenUrl === null) {
      return { kind: 'refused', persona, reason: 'this gateway issues no tokens' };
    }
    try {
      const response = await fetch(this.tokenUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ persona }),
        cache: 'no-store',
      });
      if (!response.ok) {
        return { kind: 'refused', persona, reason: `the issuer answered ${response.status}` };
      }
      const { access_token: token, expires_in } = (await response.json()) as TokenAnswer;
      return { kind: 'active', persona, token, expiresAt: new Date(Date.now() + expires_in * 1000) };
    } catch {
      return { kind: 'refused', persona, reason: 'the issuer did not answer' };
    }
  }

  #become(state: SessionState): void {
    this.#state = state;
    this.#listeners.forEach((listener) => listener());
  }
}
