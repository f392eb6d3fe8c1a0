// The one button at the centre of the waveform: choose, call, hang up, call again.
import type { State } from '../call/state.js';
import { h } from './dom.js';
import { icon, type IconName } from './icons.js';

export type Action = 'choose' | 'start' | 'hangup';

interface Face {
  action: Action;
  icon: IconName;
  label: string;
  look: 'pill' | 'busy' | 'hangup';
}

function faceOf(state: State, voice: string): Face {
  switch (state.name) {
    case 'browse':
      return { action: 'choose', icon: 'check', label: `Choose ${voice}`, look: 'pill' };
    case 'chosen':
      return { action: 'start', icon: 'microphone', label: `Talk to ${voice}`, look: 'pill' };
    case 'asking':
    case 'calling':
      return { action: 'hangup', icon: 'hangup', label: 'Cancel the call', look: 'busy' };
    case 'talking':
      return { action: 'hangup', icon: 'hangup', label: 'Hang up', look: 'hangup' };
    case 'over':
      return { action: 'start', icon: 'phone', label: 'Call again', look: 'pill' };
    case 'failed':
      return { action: 'start', icon: 'phone', label: 'Try again', look: 'pill' };
  }
}

export class ActionButton {
  readonly root: HTMLButtonElement;
  private action: Action = 'choose';
  private readonly glyph = h('span', { class: 'glyph' });
  private readonly text = h('span', { class: 'text' });

  constructor(act: (action: Action) => void) {
    this.root = h(
      'button',
      { type: 'button', class: 'action', onclick: () => act(this.action) },
      this.glyph,
      this.text,
    );
  }

  show(state: State, voice: string): void {
    const face = faceOf(state, voice);
    this.action = face.action;
    this.root.dataset['look'] = face.look;
    this.root.dataset['action'] = face.action;
    this.glyph.replaceChildren(icon(face.icon));
    this.text.textContent = face.label;
    this.root.title = face.look === 'pill' ? '' : face.label;
  }
}
