// One call from the browser: microphone, loudspeaker and the line between them and talky-sipd, wired together from the
// click to the end. The sound itself never comes by here.
import { cancelsEcho, Microphone, MicrophoneError } from '../audio/microphone.js';
import type { PlayoutState } from '../audio/playout_buffer.js';
import { Speaker } from '../audio/speaker.js';
import { request, socketUrl } from '../net/access.js';
import type { FromLine, ToLine } from './line.js';
import type { FromServer, ToServer } from './protocol.js';
import type { Event } from './state.js';

const PATH = '/api/v1/web/call';
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
  private line: Worker | undefined;
  private readonly sound = { microphone: new MessageChannel(), speaker: new MessageChannel() };
  private figures_ = { sent: 0, leftOut: 0 };
  private over = false;
  private goodbye: number | undefined;

  constructor(
    private readonly voice: string,
    /** The number; "" is talky-sipd's standard route. */
    private readonly to: string,
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
      } else if ((await this.reason()) === 'unreachable') {
        this.finish({ type: 'broken', why: 'unreachable', detail: '' }); // the worklets could not be loaded
      } else {
        this.finish({ type: 'no-microphone', problem: 'unsupported' });
      }
    }
  }

  /** Frames of the microphone that went out, and that the connection could not take; as of the line's last word. */
  get figures(): { sent: number; leftOut: number } {
    return this.figures_;
  }

  mute(muted: boolean): void {
    this.microphone?.mute(muted);
    this.events.event({ type: 'mute', muted });
  }

  dtmf(digit: string): void {
    this.say({ type: 'dtmf', digit });
  }

  /** The server says how it ended; one that does not answer is left. */
  hangUp(): void {
    if (this.over || this.goodbye !== undefined) return;
    const ending = { cause: 'hangup', by: 'caller', reason: '', status: 0, seconds: 0 };
    if (!this.line) {
      this.finish({ type: 'ended', ending });
      return;
    }
    this.say({ type: 'hangup' });
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
    const { microphone, speaker } = this.sound;
    this.speaker = await Speaker.open(context, speaker.port1, ({ db, state }) => this.events.agentLevel(db, state));
    this.microphone = await Microphone.open(
      context,
      stream,
      microphone.port1,
      (db) => this.events.microphoneLevel(db),
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
    this.connect(cancelsEcho(stream));
  }

  private connect(echoCancelled: boolean): void {
    const url = socketUrl(PATH);
    url.searchParams.set('voice', this.voice);
    url.searchParams.set('reports', '1');
    if (echoCancelled) url.searchParams.set('cancels_echo', '1');
    if (this.to !== '') url.searchParams.set('to', this.to);
    const line = new Worker(new URL('./line.worker.ts', import.meta.url), { type: 'module' });
    line.onmessage = (event: MessageEvent<FromLine>) => {
      if (this.over) return;
      if (event.data.type === 'closed') {
        void this.closed(event.data.opened);
      } else {
        this.figures_ = { sent: event.data.sent, leftOut: event.data.leftOut };
        this.receive(event.data.message);
      }
    };
    line.onerror = () => void this.closed(false); // it could not be loaded
    this.line = line;
    const [microphone, speaker] = [this.sound.microphone.port2, this.sound.speaker.port2];
    this.tell({ type: 'open', url: url.href, microphone, speaker }, [microphone, speaker]);
  }

  private say(message: ToServer): void {
    this.tell({ type: 'say', message });
  }

  private tell(message: ToLine, transfer: Transferable[] = []): void {
    this.line?.postMessage(message, transfer);
  }

  private receive(message: FromServer): void {
    switch (message.type) {
      case 'call':
        if (message.state === 'answered') {
          this.events.event({ type: 'answered', id: message.id, now: Date.now() });
        } else {
          this.events.event({ type: 'ringing', id: message.id });
        }
        break;
      case 'hold':
        this.events.event({ type: 'hold', held: message.held });
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

  // A browser tells nobody why a WebSocket did not open: the same is asked for without one.
  private async closed(opened: boolean): Promise<void> {
    if (this.goodbye !== undefined) {
      this.finish({ type: 'ended', ending: { cause: 'hangup', by: 'caller', reason: '', status: 0, seconds: 0 } });
      return;
    }
    if (opened) {
      this.finish({ type: 'broken', why: 'lost', detail: '' });
      return;
    }
    this.finish({ type: 'broken', why: await this.reason(), detail: '' });
  }

  private async reason(): Promise<'unreachable' | 'forbidden' | 'full' | 'refused'> {
    try {
      const { status } = await request(PATH);
      return status === 403 ? 'forbidden' : status === 503 ? 'full' : 'refused';
    } catch {
      return 'unreachable';
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
    this.tell({ type: 'close' });
    this.microphone?.close();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.speaker?.close();
    if (this.context) {
      this.context.onstatechange = null;
      if (this.context.state !== 'closed') void this.context.close();
    }
  }
}
