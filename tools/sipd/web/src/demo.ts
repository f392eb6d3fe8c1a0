// The demo page: holds the state and hands it to the scene, the panel and the button.
import '@fontsource-variable/geist/wght.css';
import '@fontsource-variable/geist-mono/wght.css';
import './styles/base.css';
import './styles/demo.css';
import './styles/captions.css';
import { agentHeight, RoomMeter } from './audio/level.js';
import type { PlayoutState } from './audio/playout_buffer.js';
import { Call } from './call/call.js';
import type { FromServer } from './call/protocol.js';
import { isCall, next, type Event, type State } from './call/state.js';
import { Transcript } from './call/transcript.js';
import { Bars } from './scene/bars.js';
import { EitherStage } from './scene/either_stage.js';
import { ActionButton, type Action } from './ui/action_button.js';
import { Announcer } from './ui/announcer.js';
import { Controls } from './ui/controls.js';
import { byId } from './ui/dom.js';
import { endingText, explain } from './ui/failure_text.js';
import { isStill, onMotionChange } from './ui/motion.js';
import { Panel } from './ui/panel.js';
import { isDark, themeButton } from './ui/theme.js';
import { fallbackVoices, fetchVoices, type Voice } from './ui/voices.js';

/** Where people talk or have talked; a call that never came about leaves the helix. */
const hasSound = (state: State): boolean =>
  isCall(state) || state.name === 'over' || (state.name === 'failed' && state.id !== undefined);

class Demo {
  private state: State = { name: 'browse', voice: 0 };
  private call: Call | undefined;
  private transcript = new Transcript();
  private room = new RoomMeter();
  private playout: PlayoutState | undefined;
  private cuts = 0;
  private figures = { sent: 0, leftOut: 0 };
  private readonly bars = new Bars();
  private readonly stage: EitherStage;
  private readonly panel: Panel;
  private readonly action = new ActionButton((action) => this.act(action));
  private readonly announcer = new Announcer(byId('announcer'));
  private readonly controls = new Controls({
    mute: (muted) => this.call?.mute(muted),
    dtmf: (digit) => this.call?.dtmf(digit),
  });

  constructor(private readonly voices: Voice[]) {
    this.panel = new Panel(byId('panel'), voices, {
      show: (voice) => this.happened({ type: 'show', voice }),
      back: () => this.happened({ type: 'back' }),
      sampleFailed: () => this.announcer.say('The sample could not be played.'),
    });
    this.stage = new EitherStage({ canvas: byId('scene'), bars: this.bars, dark: isDark, still: isStill });
    byId('action').replaceChildren(this.action.root);
    byId('controls').replaceChildren(this.controls.root);
    onMotionChange(() => this.stage.refresh());
    themeButton(byId('theme'), () => this.stage.refresh());
    window.setInterval(() => this.tick(), 250);
    window.addEventListener('pagehide', () => this.call?.hangUp());
    window.addEventListener('beforeunload', (event) => {
      if (this.state.name === 'talking') event.preventDefault();
    });
    this.paint();
  }

  /** For tests and the curious: what the page itself knows of sound and state. */
  inspect(): object {
    return {
      state: this.state,
      stage: this.stage.kind,
      levels: this.bars.levels,
      heights: Array.from(this.bars.heights),
      owner: Array.from(this.bars.owner),
      lines: this.transcript.lines,
      playout: this.playout,
      line: this.call?.figures ?? this.figures,
      cuts: this.cuts,
    };
  }

  private act(action: Action): void {
    switch (action) {
      case 'choose':
        this.happened({ type: 'choose' });
        break;
      case 'start':
        this.begin();
        break;
      case 'hangup':
        this.call?.hangUp();
        break;
    }
  }

  private begin(): void {
    this.happened({ type: 'start' });
    if (this.state.name !== 'asking') return;
    this.transcript = new Transcript();
    this.room = new RoomMeter();
    this.bars.reset();
    this.panel.beginCall(this.voice.name);
    const to = new URLSearchParams(location.search).get('to') ?? '';
    this.call = new Call(this.voice.name, to, {
      event: (event) => this.happened(event),
      message: (message) => this.received(message),
      microphoneLevel: (db) => {
        this.bars.pushCaller(this.isMuted ? 0 : this.room.height(db));
        this.stage.wake();
      },
      agentLevel: (db, state) => {
        this.playout = state;
        this.bars.pushAgent(agentHeight(db));
        this.stage.wake();
      },
    });
    void this.call.start();
  }

  private received(message: FromServer): void {
    if (message.type === 'clear') {
      this.cuts++;
      this.bars.cut();
      this.panel.interrupted();
    }
    if (this.transcript.receive(message)) this.panel.update(this.transcript);
  }

  private happened(event: Event): void {
    const before = this.state;
    this.state = next(before, event);
    if (this.state === before) return;
    if (isCall(before) && !isCall(this.state)) {
      this.figures = this.call?.figures ?? this.figures;
      this.call = undefined;
      this.bars.reset();
    }
    this.paint();
    this.announce(before);
    // On a phone the page is longer than the screen, and each face begins at its top.
    if (before.name !== this.state.name && document.scrollingElement) document.scrollingElement.scrollTop = 0;
  }

  private paint(): void {
    const { state } = this;
    document.body.dataset['state'] = state.name;
    this.stage.show(hasSound(state) ? 'waveform' : 'helix');
    this.panel.show(state, this.transcript);
    this.action.show(state, this.voice.name);
    this.controls.root.hidden = state.name !== 'talking';
    this.controls.show(this.voice.name, this.isMuted);
    this.tick();
  }

  private announce(before: State): void {
    const { state } = this;
    const name = this.voice.name;
    if (state.name === 'browse') this.announcer.say(`${name}. ${this.voice.description}.`);
    else if (state.name === 'chosen') this.announcer.say(`${name} is chosen.`);
    else if (state.name === 'asking') this.announcer.say('Waiting for the microphone.');
    else if (state.name === 'calling') this.announcer.say(`Calling ${name}.`);
    else if (state.name === 'over') this.announcer.say(endingText(state.ending.by));
    else if (state.name === 'failed') this.announcer.say(explain(state.why, '').title);
    else if (before.name !== 'talking') this.announcer.say(`${name} answers. Speak now.`);
    else if (before.held !== state.held) this.announcer.say(state.held ? 'The call is on hold.' : 'The call goes on.');
    else this.announcer.say(state.muted ? 'Muted.' : 'Not muted any more.');
  }

  private tick(): void {
    if (this.state.name === 'talking') this.controls.tick((Date.now() - this.state.since) / 1000);
  }

  private get voice(): Voice {
    return this.voices[this.state.voice]!;
  }

  private get isMuted(): boolean {
    return this.state.name === 'talking' && this.state.muted;
  }
}

async function begin(): Promise<void> {
  let voices: Voice[];
  try {
    voices = await fetchVoices();
  } catch {
    voices = fallbackVoices(); // the page works; a call will say that talky-sipd is away
  }
  const demo = new Demo(voices);
  Object.defineProperty(window, 'talky', { value: { inspect: () => demo.inspect() } });
}

void begin();
