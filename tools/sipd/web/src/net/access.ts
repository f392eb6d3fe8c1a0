// Requests to talky-sipd. Where it wants a token (--http-tokens), the user is asked once a session; links, sounds and
// WebSockets, which cannot carry a header, bear it in the address.
import { askForToken } from '../ui/token_dialog.js';

const KEY = 'talky.token';
let token = stored();
let asking: Promise<string> | undefined;

function stored(): string {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

function keep(given: string): void {
  token = given;
  try {
    sessionStorage.setItem(KEY, given);
  } catch {
    // It holds until the page is left.
  }
}

/** The path as a link, a sound or a WebSocket needs it. */
export function authorised(path: string): string {
  if (token === '') return path;
  return `${path}${path.includes('?') ? '&' : '?'}access_token=${encodeURIComponent(token)}`;
}

export function socketUrl(path: string): URL {
  const url = new URL(authorised(path), location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

/** The next request that needs one asks for another token. */
export function forgetToken(): void {
  keep('');
}

/** As fetch; 401 is answered with the user's token, as long as there is one to try. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    const headers = new Headers(init.headers);
    if (token !== '') headers.set('Authorization', `Bearer ${token}`);
    const response = await fetch(path, { cache: 'no-store', ...init, headers });
    if (response.status !== 401) return response;
    asking ??= askForToken(token !== '').finally(() => (asking = undefined));
    const given = await asking;
    if (given === '') return response;
    keep(given);
  }
}
