// Requests to our own server. Three outcomes: it answered, it refused for good, or it could not be reached and
// the same request may be sent again (every one of ours is idempotent).

const TIMEOUT_MS = 20_000;
/** Saving an edit may run its code, as long as the project lets it: asking again meanwhile would only run it twice. */
export const EDIT_TIMEOUT_MS = 90_000;
const WORTH_RETRYING = new Set([0, 302, 401, 403, 408, 429, 500, 502, 503, 504]);

/** The server said no, and will say no again. */
export class RefusedError extends Error {
  /** @param {number} status @param {{error?: string, problems?: string[], by_pointer?: Record<string, string[]>}} body */
  constructor(status, body) {
    super(body.error ?? `The server refused this (${status}).`);
    this.status = status;
    this.problems = body.problems ?? [];
    this.byPointer = body.by_pointer ?? {};
  }
}

/** Nobody knows whether the request arrived. */
export class UnreachableError extends Error {
  /** @param {string} message @param {number} status 0 when there was no answer at all */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }

  get isSignedOut() {
    return this.status === 302 || this.status === 401;
  }
}

/** The token in the cookie is newer than the page when one signed in again in another tab. */
export function csrfToken() {
  const cookie = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  return cookie ?? document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

/**
 * @param {string} url
 * @param {URLSearchParams | [string, string | number][]} fields
 * @param {number} [timeout] milliseconds after which it counts as not answered
 * @returns {Promise<any>} the JSON answer, or null for 204
 * @throws {RefusedError | UnreachableError}
 */
export async function post(url, fields, timeout = TIMEOUT_MS) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
      // A redirect means the sign-in page: following it would look like success.
      redirect: "manual",
      signal: AbortSignal.timeout(timeout),
    });
  } catch (error) {
    throw new UnreachableError(String(error));
  }
  const status = response.type === "opaqueredirect" ? 302 : response.status;
  if (status === 204) return null;
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  if (WORTH_RETRYING.has(status) || response.ok) throw new UnreachableError(body?.error ?? `HTTP ${status}`, status);
  throw new RefusedError(status, body ?? {});
}

/** Sent even while the page goes away; nobody waits for an answer. */
export function sendLast(url, fields) {
  const body = new URLSearchParams(fields);
  body.append("csrfmiddlewaretoken", csrfToken());
  navigator.sendBeacon(url, body);
}
