// A call that is up: how it sounds right now, what has been said, and listening in.
import { h } from '../ui/dom.js';
import { icon } from '../ui/icons.js';
import { hangUp, transcript } from './api.js';
import { duration, party } from './format.js';
import { Listener } from './listen.js';
import { parties } from './parties.js';
import { qualityView, type Way } from './quality_view.js';
import type { LiveCall, Stream } from './records.js';
import { TranscriptView } from './transcript_view.js';

const STATES: Record<string, string> = { ringing: 'Ringing', active: 'Talking', held: 'On hold' };

const way = (stream: Stream | undefined, known: boolean): Way =>
  stream && known
    ? { mos: stream.mos, lost: stream.lost, packets: stream.packets, jitterMs: stream.jitterMs }
    : { mos: null, lost: null, packets: stream?.packets ?? null, jitterMs: null };

export class LiveView {
  readonly root: HTMLElement;
  private readonly overline = h('p', { class: 'overline' });
  private readonly lead = h('p', { class: 'lead' });
  private readonly quality = h('div');
  private readonly said = new TranscriptView();
  private readonly note = h('p', { class: 'note', role: 'status' });
  private readonly listen: HTMLButtonElement;
  private listener: Listener | undefined;

  constructor(
    call: LiveCall,
    private readonly failed: (text: string) => void,
  ) {
    this.listen = h('button', { type: 'button', class: 'quiet', 'aria-pressed': 'false', onclick: () => this.toggle(call.id) });
    this.paintListen();
    const end = h(
      'button',
      {
        type: 'button',
        class: 'quiet danger',
        onclick: () => void hangUp(call.id).catch((error: unknown) => this.failed(String(error))),
      },
      icon('hangup'),
      'End the call',
    );
    this.root = h(
      'article',
      {},
      this.overline,
      h('h2', { class: 'title' }, ...parties(party(call.from), call.to)),
      this.lead,
      h('div', { class: 'downloads' }, this.listen, end),
      this.quality,
      h('section', { 'aria-label': 'Transcript' }, h('h3', {}, 'What was said'), this.said.root, this.note),
    );
    this.update(call);
  }

  update(call: LiveCall): void {
    this.overline.replaceChildren(h('i', { class: 'live', 'aria-hidden': 'true' }), STATES[call.state] ?? call.state);
    const facts = [call.codec, call.bridge].filter((text) => text !== '');
    if (call.answeredMs !== null) facts.unshift(duration(Date.now() - call.answeredMs));
    this.lead.textContent = facts.join(' · ');
    const quality = call.quality;
    this.quality.replaceChildren(
      qualityView(way(quality?.in, quality !== null), way(quality?.out, quality?.outReported === true), quality?.rttMs ?? null),
    );
    void transcript(call.id).then(
      (said) => {
        this.said.show(said, { turns: [], sentences: [] });
        this.note.textContent = said.length > 0 ? '' : 'Nothing yet.';
      },
      () => (this.note.textContent = 'The transcript cannot be read right now.'),
    );
  }

  redraw(): void {
    // Nothing here is painted by hand.
  }

  close(): void {
    this.listener?.close();
  }

  private toggle(id: string): void {
    if (this.listener) {
      this.listener.close();
      return;
    }
    this.listener = new Listener(id, () => {
      this.listener = undefined;
      this.paintListen();
    });
    this.listener.start().catch((error: unknown) => {
      this.listener?.close();
      this.failed(String(error));
    });
    this.paintListen();
  }

  private paintListen(): void {
    const on = this.listener !== undefined;
    this.listen.setAttribute('aria-pressed', String(on));
    this.listen.replaceChildren(icon(on ? 'stop' : 'listen'), on ? 'Stop listening' : 'Listen in');
  }
}
