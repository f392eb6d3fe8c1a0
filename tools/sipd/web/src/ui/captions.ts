// The conversation as it is spoken. What the caller did not hear of the agent is struck out.
import type { Line, Sentence } from '../call/transcript.js';
import { h } from './dom.js';
import { waterfallView } from './waterfall_view.js';

interface Shown {
  element: HTMLElement;
  signature: string;
}

const NEAR_END = 80; // px: a reader who has scrolled up further is left there

export class Captions {
  readonly root = h('div', { class: 'captions', role: 'log', 'aria-label': 'Captions', tabindex: '0' });
  private shown = new Map<string, Shown>();

  constructor(private readonly agent: string) {}

  update(lines: readonly Line[]): void {
    // On a phone the captions are as long as they are, and the page is what scrolls.
    const page = document.scrollingElement ?? this.root;
    const scroller = this.root.scrollHeight > this.root.clientHeight + 1 ? this.root : page;
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
    const kept = new Map<string, Shown>();
    lines.forEach((line, i) => {
      const signature = JSON.stringify(line);
      let shown = this.shown.get(line.key);
      if (!shown) shown = { element: h('div', { class: `line ${line.side}` }), signature: '' };
      if (shown.signature !== signature) {
        this.fill(shown.element, line);
        shown.signature = signature;
      }
      if (this.root.children[i] !== shown.element) this.root.insertBefore(shown.element, this.root.children[i] ?? null);
      kept.set(line.key, shown);
    });
    for (const [key, shown] of this.shown) if (!kept.has(key)) shown.element.remove();
    this.shown = kept;
    if (!atEnd) return;
    this.root.scrollTop = this.root.scrollHeight;
    if (scroller === page) page.scrollTop = page.scrollHeight;
  }

  /** The caller has interrupted: what is not said yet fades, until it is known what was heard. */
  interrupted(): void {
    const speaking = this.root.querySelectorAll('.sentence.speaking');
    for (const sentence of speaking) sentence.classList.add('stopped');
  }

  private fill(element: HTMLElement, line: Line): void {
    const who = h('span', { class: 'who' }, line.side === 'caller' ? 'You' : this.agent);
    if (line.side === 'caller') {
      element.replaceChildren(who, h('p', { dir: 'auto' }, line.text));
      return;
    }
    const open = element.querySelector('details')?.open ?? false;
    const text = h('p', { dir: 'auto' });
    line.sentences.forEach((sentence, i) => text.append(...(i > 0 ? [' '] : []), sentenceView(sentence)));
    element.replaceChildren(who, text);
    if (line.latency) {
      const view = waterfallView(line.latency.stages, line.latency.response);
      view.toggleAttribute('open', open);
      element.append(view);
    }
  }
}

/** Shared with /calls. */
export function sentenceView(sentence: Sentence): HTMLElement {
  const heard = sentence.words.filter((word) => word.heard).map((word) => word.text);
  const lost = sentence.words.slice(heard.length).map((word) => word.text);
  const view = h('span', { class: `sentence ${sentence.state}` }, heard.join(' '));
  if (lost.length > 0) {
    if (heard.length > 0) view.append(' ');
    view.append(
      h('span', { class: 'unseen' }, ' (interrupted; not heard: '),
      h('del', {}, lost.join(' ')),
      h('span', { class: 'unseen' }, ')'),
    );
  }
  return view;
}
