// "Download this call": the recording and the journal, as soon as talky-sipd has closed them.
import { authorised, request } from '../net/access.js';
import { h } from './dom.js';
import { icon } from './icons.js';

const PARTS = [
  { label: 'Recording', kind: 'WAV', query: '', extension: 'wav' },
  { label: 'Journal', kind: 'JSON lines', query: '?part=journal', extension: 'jsonl' },
] as const;

const TRIES = 12;
const BETWEEN_MS = 500;

export const recordingUrl = (id: string, query = ''): string =>
  `/api/v1/sip/recordings/${encodeURIComponent(id)}${query}`;

/** Is it there? Only its first byte is asked for. */
async function exists(url: string, signal: AbortSignal): Promise<boolean> {
  const response = await request(url, { headers: { Range: 'bytes=0-0' }, signal });
  await response.body?.cancel();
  return response.ok;
}

async function appears(url: string, signal: AbortSignal): Promise<boolean> {
  for (let i = 0; i < TRIES && !signal.aborted; i++) {
    try {
      if (await exists(url, signal)) return true;
    } catch {
      // talky-sipd is away, or this was given up: the next try tells.
    }
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
  }
  return false;
}

export class Downloads {
  readonly root = h('div', { class: 'downloads', role: 'group', 'aria-label': 'Download this call' });
  private giveUp = new AbortController();

  show(id: string): void {
    this.clear();
    const signal = this.giveUp.signal;
    for (const part of PARTS) {
      const url = recordingUrl(id, part.query);
      const kind = h('small', {}, 'being written …');
      const link = h(
        'a',
        { class: 'quiet', 'aria-disabled': 'true', role: 'link' },
        icon('download'),
        h('span', {}, part.label),
        kind,
      );
      this.root.append(link);
      void appears(url, signal).then((there) => {
        if (signal.aborted) return;
        kind.textContent = there ? part.kind : 'was not kept';
        if (!there) return;
        link.removeAttribute('aria-disabled');
        link.removeAttribute('role');
        link.href = authorised(url);
        link.download = `talky-${id}.${part.extension}`;
      });
    }
    this.root.append(h('a', { class: 'quiet', href: `/calls#${id}` }, icon('search'), 'Look into it'));
  }

  clear(): void {
    this.giveUp.abort();
    this.giveUp = new AbortController();
    this.root.replaceChildren();
  }
}
