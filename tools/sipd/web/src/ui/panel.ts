// The left side of the page: voices, then the conversation, then what is left of it.
import type { State } from '../call/state.js';
import type { Transcript } from '../call/transcript.js';
import { median } from '../call/waterfall.js';
import { forgetToken } from '../net/access.js';
import { Captions } from './captions.js';
import { Carousel, type CarouselEvents } from './carousel.js';
import { clock } from './controls.js';
import { h } from './dom.js';
import { Downloads } from './downloads.js';
import { endingText, explain } from './failure_text.js';
import { icon } from './icons.js';
import type { Voice } from './voices.js';
import { milliseconds } from './waterfall_view.js';

const SUGGESTIONS = [
  'When are you open on Saturday?',
  'I would like a haircut tomorrow at three.',
  'How much is colouring?',
  'Can I leave a message?',
];

export interface PanelEvents extends CarouselEvents {
  back(): void;
}

export class Panel {
  private readonly carousel: Carousel;
  private readonly head = h('div', { class: 'head' });
  private readonly body = h('div', { class: 'body' });
  private readonly downloads = new Downloads();
  private captions = new Captions('');
  private face = '';

  constructor(
    root: HTMLElement,
    private readonly voices: Voice[],
    private readonly events: PanelEvents,
  ) {
    this.carousel = new Carousel(voices, events);
    root.replaceChildren(this.head, this.body);
  }

  /** A new call: the captions of the last one go. */
  beginCall(agent: string): void {
    this.captions = new Captions(agent);
  }

  update(transcript: Transcript): void {
    this.captions.update(transcript.lines);
    this.body.classList.toggle('empty', transcript.lines.length === 0);
  }

  interrupted(): void {
    this.captions.interrupted();
  }

  show(state: State, transcript: Transcript): void {
    if (state.name === 'browse') this.carousel.show(state.voice);
    else this.carousel.silence();
    const face = `${state.name}/${state.voice}/${'why' in state ? state.why : ''}/${'held' in state ? state.held : ''}`;
    if (face === this.face) return;
    this.face = face;
    this.head.replaceChildren(...this.headOf(state, transcript));
    this.body.replaceChildren(...this.bodyOf(state, transcript));
    this.body.className = `body ${state.name}${transcript.lines.length === 0 ? ' empty' : ''}`;
    this.captions.update(transcript.lines);
  }

  private headOf(state: State, transcript: Transcript): HTMLElement[] {
    const agent = this.voices[state.voice]!.name;
    const title = (text: string): HTMLElement => h('h1', {}, text);
    const lead = (text: string): HTMLElement => h('p', { class: 'lead' }, text);
    switch (state.name) {
      case 'browse':
        return [
          title('Talk to an agent that lives on your machine'),
          lead('Choose a voice and speak. No telephone, no account: nothing you say leaves this computer.'),
        ];
      case 'chosen':
        return [
          this.back(),
          title(`You will talk to ${agent}`),
          lead('Say what you want in your own words. Interrupt whenever you like: it listens while it speaks.'),
        ];
      case 'asking':
        return [title('Your microphone, please'), lead('Your browser asks whether this page may use it.')];
      case 'calling':
        return [title(`Calling ${agent} …`), lead('It rings.')];
      case 'talking':
        return [
          h('p', { class: 'overline' }, h('i', { class: 'live', 'aria-hidden': 'true' }), state.held ? 'On hold' : 'In a call'),
          title(agent),
        ];
      case 'over': {
        const answers = transcript.responses;
        const middle = median(answers);
        const facts = [clock(state.ending.seconds)];
        if (answers.length > 0) facts.push(answers.length === 1 ? '1 answer' : `${answers.length} answers`);
        if (middle !== undefined) facts.push(`${milliseconds(middle)} median`);
        this.downloads.show(state.id);
        return [
          this.back(),
          title('That was your call'),
          lead(`${endingText(state.ending.by)} ${facts.join(' · ')}`),
          this.downloads.root,
        ];
      }
      case 'failed': {
        const { title: what, text } = explain(state.why, state.detail);
        const parts = [
          this.back(),
          h('p', { class: 'overline warning' }, icon('warning'), 'No call'),
          title(what),
          lead(text),
        ];
        if (state.why === 'forbidden') {
          const another = (): void => {
            forgetToken();
            location.reload();
          };
          parts.push(h('button', { type: 'button', class: 'quiet', onclick: another }, 'Enter another token'));
        }
        if (state.id !== undefined && state.why !== 'full' && state.why !== 'refused') {
          this.downloads.show(state.id);
          parts.push(this.downloads.root);
        }
        return parts;
      }
    }
  }

  private bodyOf(state: State, transcript: Transcript): HTMLElement[] {
    switch (state.name) {
      case 'browse':
        return [this.carousel.root];
      case 'chosen':
      case 'asking':
      case 'calling':
        return [
          h('h2', { class: 'small' }, 'Try saying'),
          h('ul', { class: 'suggestions' }, ...SUGGESTIONS.map((text) => h('li', {}, text))),
        ];
      case 'talking':
        return [this.captions.root, h('p', { class: 'waiting' }, 'Say hello …')];
      case 'over':
      case 'failed':
        return transcript.lines.length > 0 ? [this.captions.root] : [];
    }
  }

  private back(): HTMLElement {
    return h('button', { type: 'button', class: 'back', onclick: () => this.events.back() }, icon('left'), 'Other voices');
  }
}
