// Below the waveform in a call: whose colour is whose, how long it has lasted, mute and the keypad.
import { h } from './dom.js';
import { icon } from './icons.js';

export interface ControlEvents {
  mute(muted: boolean): void;
  dtmf(digit: string): void;
}

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];

export const clock = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
};

export class Controls {
  readonly root: HTMLElement;
  private readonly mute: HTMLButtonElement;
  private readonly muteText = h('span', {}, 'Mute');
  private readonly keypad: HTMLElement;
  private readonly keys: HTMLButtonElement;
  private readonly time = h('span', { class: 'time', role: 'timer', 'aria-label': 'Length of the call' }, '0:00');
  private readonly agent = h('span', {});
  private muted = false;

  constructor(events: ControlEvents) {
    this.mute = h(
      'button',
      { type: 'button', class: 'quiet', 'aria-pressed': 'false', onclick: () => events.mute(!this.muted) },
      icon('microphone'),
      this.muteText,
    );
    this.keypad = h(
      'div',
      { class: 'keypad', id: 'keypad', role: 'group', 'aria-label': 'Keypad', hidden: true },
      ...KEYS.map((key) => h('button', { type: 'button', class: 'quiet', onclick: () => events.dtmf(key) }, key)),
    );
    this.keys = h(
      'button',
      {
        type: 'button',
        class: 'quiet',
        'aria-expanded': 'false',
        'aria-controls': 'keypad',
        onclick: () => this.unfold(this.keypad.hidden),
      },
      icon('keypad'),
      'Keypad',
    );
    this.root = h(
      'div',
      { class: 'controls' },
      h(
        'div',
        { class: 'legend' },
        h('span', { class: 'you' }, 'You'),
        h('span', { class: 'them' }, this.agent),
        this.time,
      ),
      h('div', { class: 'buttons' }, this.mute, this.keys),
      this.keypad,
    );
    this.root.addEventListener('keydown', (event) => {
      if (this.keypad.hidden) return;
      if (event.key === 'Escape') {
        this.unfold(false);
        this.keys.focus();
      } else if (KEYS.includes(event.key) && !event.ctrlKey && !event.altKey && !event.metaKey) {
        events.dtmf(event.key);
      }
    });
  }

  show(agent: string, muted: boolean): void {
    this.agent.textContent = agent;
    if (muted === this.muted) return;
    this.muted = muted;
    this.mute.setAttribute('aria-pressed', String(muted));
    this.mute.replaceChild(icon(muted ? 'muted' : 'microphone'), this.mute.firstChild!);
    this.muteText.textContent = muted ? 'Muted' : 'Mute';
  }

  tick(seconds: number): void {
    this.time.textContent = clock(seconds);
  }

  private unfold(open: boolean): void {
    this.keypad.hidden = !open;
    this.keys.setAttribute('aria-expanded', String(open));
  }
}
