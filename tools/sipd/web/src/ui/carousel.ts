// The voices, one in front and the others behind it. Arrow keys and the cards themselves turn it; each voice speaks a
// sample. (Pattern: WAI-ARIA carousel, without automatic turning.)
import { authorised } from '../net/access.js';
import { h, vary } from './dom.js';
import { icon } from './icons.js';
import type { Voice } from './voices.js';

export interface CarouselEvents {
  show(voice: number): void;
  sampleFailed(voice: number): void;
}

interface Card {
  root: HTMLElement;
  sample: HTMLButtonElement;
  label: HTMLElement;
}

export class Carousel {
  readonly root: HTMLElement;
  private readonly cards: Card[];
  private readonly audio = new Audio();
  private playing: number | undefined;
  private current = 0;

  constructor(
    private readonly voices: Voice[],
    private readonly events: CarouselEvents,
  ) {
    this.cards = voices.map((voice, i) => this.card(voice, i));
    const turn = (by: number) => (): void => events.show((this.current + by + voices.length) % voices.length);
    const button = (label: string, name: 'left' | 'right', by: number): HTMLElement =>
      h('button', { type: 'button', class: 'quiet round', 'aria-label': label, onclick: turn(by) }, icon(name));
    this.root = h(
      'div',
      { class: 'carousel', role: 'group', 'aria-roledescription': 'carousel', 'aria-label': 'Voices' },
      h('div', { class: 'cards' }, ...this.cards.map((card) => card.root)),
      h(
        'div',
        { class: 'turn' },
        button('Previous voice', 'left', -1),
        h('div', { class: 'dots', 'aria-hidden': 'true' }, ...voices.map(() => h('span'))),
        button('Next voice', 'right', 1),
      ),
    );
    this.root.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowLeft') turn(-1)();
      else if (event.key === 'ArrowRight') turn(1)();
      else return;
      event.preventDefault();
    });
    this.audio.preload = 'none';
    this.audio.addEventListener('timeupdate', () => this.progress());
    this.audio.addEventListener('ended', () => this.silence());
    this.audio.addEventListener('error', () => {
      const voice = this.playing;
      this.silence();
      if (voice !== undefined) events.sampleFailed(voice);
    });
  }

  show(voice: number): void {
    if (voice !== this.current) this.silence();
    this.current = voice;
    const count = this.cards.length;
    this.cards.forEach(({ root }, i) => {
      const offset = ((i - voice + count + Math.floor(count / 2)) % count) - Math.floor(count / 2);
      root.dataset['place'] = offset === 0 ? 'front' : offset < 0 ? 'left' : 'right';
    });
    this.root.querySelectorAll('.dots span').forEach((dot, i) => dot.classList.toggle('on', i === voice));
  }

  silence(): void {
    this.audio.pause();
    if (this.playing !== undefined) this.label(this.playing, false);
    this.playing = undefined;
  }

  private card(voice: Voice, i: number): Card {
    const label = h('span', {}, `Hear ${voice.name}`);
    const sample = h(
      'button',
      { type: 'button', class: 'sample', onclick: () => this.toggle(i) },
      icon('play'),
      label,
    );
    const root = h(
      'div',
      {
        class: 'card',
        role: 'group',
        'aria-roledescription': 'slide',
        'aria-label': `${i + 1} of ${this.voices.length}: ${voice.name}`,
      },
      h('div', { class: `orb orb-${i % 3}`, 'aria-hidden': 'true' }, h('i'), h('i'), h('i')),
      h('h2', {}, voice.name),
      h('p', {}, voice.description),
      sample,
      h('button', { type: 'button', class: 'cover', onclick: () => this.events.show(i) }, `Show ${voice.name}`),
    );
    return { root, sample, label };
  }

  private toggle(voice: number): void {
    if (this.playing === voice) {
      this.silence();
      return;
    }
    this.silence();
    this.playing = voice;
    this.label(voice, true);
    this.audio.src = authorised(this.voices[voice]!.sample);
    this.audio.play().catch((error: unknown) => {
      // A pause before the sound began is no failure; what failed to load is told by the error event.
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.silence();
    });
  }

  private label(voice: number, playing: boolean): void {
    const card = this.cards[voice]!;
    card.label.textContent = `${playing ? 'Stop' : 'Hear'} ${this.voices[voice]!.name}`;
    card.sample.replaceChild(icon(playing ? 'stop' : 'play'), card.sample.firstChild!);
    card.sample.classList.toggle('on', playing);
    vary(card.sample, { '--progress': '0' });
  }

  private progress(): void {
    if (this.playing === undefined || !Number.isFinite(this.audio.duration)) return;
    const share = this.audio.currentTime / this.audio.duration;
    vary(this.cards[this.playing]!.sample, { '--progress': share.toFixed(3) });
  }
}
