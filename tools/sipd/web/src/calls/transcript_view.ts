// What was said in a call, each line a place in the recording.
import { h } from '../ui/dom.js';
import { sentenceView } from '../ui/captions.js';
import { waterfallView } from '../ui/waterfall_view.js';
import { duration } from './format.js';
import { meant, turnOf, type Journal } from './journal.js';
import type { Utterance } from './records.js';

export class TranscriptView {
  readonly root = h('ol', { class: 'transcript' });
  private said: Utterance[] = [];
  private rows: HTMLElement[] = [];
  private current = -1;

  /** `go` may be left out where there is nothing to go to. */
  constructor(private readonly go?: (seconds: number) => void) {}

  show(said: Utterance[], journal: Journal): void {
    this.said = said;
    this.current = -1;
    this.rows = said.map((one, i) => this.row(one, i, journal));
    this.root.replaceChildren(...this.rows);
  }

  /** Marks what is being said at this time. */
  at(seconds: number): void {
    let index = -1;
    this.said.forEach((one, i) => {
      if (one.beginMs <= 1000 * seconds + 50) index = i;
    });
    if (seconds === 0) index = -1;
    if (index === this.current) return;
    this.rows[this.current]?.classList.remove('now');
    this.rows[index]?.classList.add('now');
    this.current = index;
  }

  private row(one: Utterance, i: number, journal: Journal): HTMLElement {
    const begin = duration(one.beginMs);
    const time = this.go
      ? h(
          'button',
          {
            type: 'button',
            class: 'when',
            'aria-label': `Play from ${begin}`,
            onclick: () => this.go?.(one.beginMs / 1000),
          },
          begin,
        )
      : h('span', { class: 'when' }, begin);
    const words = meant(journal, one);
    const text = h('p', { dir: 'auto' }, sentenceView({ sentence: i, text: one.text, words, state: one.cut ? 'cut' : 'whole' }));
    const turn = one.who === 'agent' ? turnOf(journal, this.said, i) : undefined;
    return h(
      'li',
      { class: `line ${one.who}` },
      time,
      h(
        'div',
        {},
        h('span', { class: 'who' }, one.who === 'caller' ? 'Caller' : 'Agent'),
        text,
        turn && waterfallView(turn.stages, turn.response),
      ),
    );
  }
}
