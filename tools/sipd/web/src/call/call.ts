// One call from the browser: microphone, loudspeaker and WebSocket, wired together from the click to the end.
import { Microphone, MicrophoneError } from '../audio/microphone.js';
import type { PlayoutState } from '../audio/playout_buffer.js';
import { Speaker } from '../audio/speaker.js';
import type { FromServer } from './protocol.js';
import { CallSocket } from './socket.js';
import type { Event } from './state.js';

const HANGUP_PATIENCE_MS = 1500;

export interface CallEvents {
  /** For the state machine. */
  event(event: Event): void;
  /** For captions and waterfalls. */
  message(message: FromServer): void;
  microphoneLevel(db: number): void;
  agentLevel(db: number, state: PlayoutState): void;
}

export class Call {
  private context: AudioContext | undefined;
  private microphone: Microphone | undefined;
  private stream: MediaStream | undefined;
  private speaker: Speaker | undefined;
  private socket: CallSocket | undefined;
  private answered = false;
  private over = false;
  private goodbye: number | undefined;

  constructor(
    private readonly voice: string,
    private readonly events: CallEvents,
  ) {}

  /** From a click, or the browser would not let it sound. */
  async start(): Promise<void> {
    try {
      this.context = new AudioContext({ latencyHint: 'interactive' });
      await this.open(this.context);
    } catch (error) {
      if (error instanceof MicrophoneError) {
        this.finish({ type: 'no-microphone', problem: error.problem });
      } else if ((await this.reach()) === 'away') {
        this.finish({ type: 'broken', why: 'unreachable', detail: '' }); // the worklets could not be loaded
      } else {
        this.finish({ type: 'no-microphone', problem: 'unsupported' });
      }
    }
  }

  mute(muted: boolean): void {
    this.microphone?.mute(muted);
    this.events.event({ type: 'mute', muted });
  }

  dtmf(digit: string): void {
    this.socket?.say({ type: 'dtmf', digit });
  }

  /** The server says how it ended; one that does not answer is left. */
  hangUp(): void {
    if (this.over || this.goodbye !== undefined) return;
    const ending = { cause: 'hangup', by: 'caller', reason: '', status: 0, seconds: 0 };
    if (!this.socket) {
      this.finish({ type: 'ended', ending });
      return;
    }
    this.socket.say({ type: 'hangup' });
    this.goodbye = window.setTimeout(() => this.finish({ type: 'ended', ending }), HANGUP_PATIENCE_MS);
  }

  private async open(context: AudioContext): Promise<void> {
    void context.resume();
    const stream = await Microphone.ask();
    this.stream = stream;
    if (this.over) {
      this.release();
      return;
    }
    this.speaker = await Speaker.open(context, {
      played: (samples) => this.socket?.say({ type: 'played', samples }),
      cleared: (samples) => this.socket?.say({ type: 'cleared', samples }),
      frame: (db, state) => this.events.agentLevel(db, state),
    });
    this.microphone = await Microphone.open(
      context,
      stream,
      (frame) => {
        this.events.microphoneLevel(frame.db);
        if (this.answered) this.socket?.sound(frame.pcm);
      },
      () => this.finish({ type: 'no-microphone', problem: 'gone' }),
    );
    if (this.over) {
      this.release();
      return;
    }
    // A phone call or a locked screen may have stopped it.
    context.onstatechange = () => {
      if (context.state !== 'running' && !this.over) void context.resume();
    };
    this.events.event({ type: 'granted' });
    this.connect();
  }

  private connect(): void {
    this.socket = new CallSocket(
      { voice: this.voice },
      {
        message: (message) => this.receive(message),
        sound: (pcm) => this.speaker?.push(pcm),
        closed: (opened) => void this.closed(opened),
      },
    );
  }

  private receive(message: FromServer): void {
    switch (message.type) {
      case 'call':
        if (message.state === 'answered') {
          this.answered = true;
          this.events.event({ type: 'answered', id: message.id, now: Date.now() });
        } else {
          this.events.event({ type: 'ringing', id: message.id });
        }
        break;
      case 'hold':
        this.events.event({ type: 'hold', held: message.held });
        break;
      case 'clear':
        this.speaker?.clear();
        break;
      case 'end': {
        const { cause, by, reason, status, seconds } = message;
        this.finish({ type: 'ended', ending: { cause, by, reason, status, seconds } });
        return;
      }
      default:
        break;
    }
    this.events.message(message);
  }

  // A browser tells nobody why a WebSocket did not open: the API is asked whether it is there.
  private async closed(opened: boolean): Promise<void> {
    if (this.goodbye !== undefined) {
      this.finish({ type: 'ended', ending: { cause: 'hangup', by: 'caller', reason: '', status: 0, seconds: 0 } });
      return;
    }
    if (opened) {
      this.finish({ type: 'broken', why: 'lost', detail: '' });
      return;
    }
    const why = { away: 'unreachable', ready: 'refused', full: 'full' } as const;
    this.finish({ type: 'broken', why: why[await this.reach()], detail: '' });
  }

  private async reach(): Promise<'away' | 'ready' | 'full'> {
    try {
      return (await fetch('/readyz', { cache: 'no-store' })).ok ? 'ready' : 'full';
    } catch {
      return 'away';
    }
  }

  private finish(event: Event): void {
    if (this.over) return;
    this.over = true;
    this.release();
    this.events.event(event);
  }

  private release(): void {
    window.clearTimeout(this.goodbye);
    this.socket?.close();
    this.microphone?.close();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.speaker?.close();
    if (this.context) {
      this.context.onstatechange = null;
      if (this.context.state !== 'closed') void this.context.close();
    }
  }
}
