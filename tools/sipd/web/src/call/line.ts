// The line of one call: the WebSocket to talky-sipd, and the ways to microphone and loudspeaker. It lives in a Worker
// (line.worker.ts), so that no sound waits for the page to draw; the page is told what was said on it.
import { fromWire } from '../audio/pcm.js';
import type { Captured, Report, ToPlayout } from '../audio/messages.js';
import { parseMessage, type FromServer, type ToServer } from './protocol.js';

const MOST_BUFFERED = 32000; // bytes, a second of the microphone: beyond it the newest is left out, not the oldest delayed

/** From the page. `open` comes first, with the ports. */
export type ToLine =
  | { type: 'open'; url: string; microphone: MessagePort; speaker: MessagePort }
  | { type: 'say'; message: ToServer }
  | { type: 'close' };

/** To the page. `closed` comes once, unless the page closed it. `opened`: there had been a connection. */
export type FromLine =
  | { type: 'message'; message: FromServer; sent: number; leftOut: number }
  | { type: 'closed'; opened: boolean };

/** What the line needs of a WebSocket and of a MessagePort. */
export type Socket = Pick<
  WebSocket,
  'readyState' | 'bufferedAmount' | 'binaryType' | 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose'
>;
export type Port = Pick<MessagePort, 'postMessage' | 'onmessage'>;

const OPEN = 1;

export class Line {
  private opened = false;
  private answered = false;
  private done = false;
  private sent = 0; // frames of the microphone, and how many the connection could not take
  private leftOut = 0;

  constructor(
    private readonly socket: Socket,
    microphone: Port,
    private readonly speaker: Port,
    private readonly tell: (message: FromLine) => void,
  ) {
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => (this.opened = true);
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.receive(event.data);
    socket.onclose = () => this.finish();
    microphone.onmessage = (event: MessageEvent<Captured>) => this.captured(event.data);
    speaker.onmessage = (event: MessageEvent<Report>) => this.report(event.data);
  }

  say(message: ToServer): void {
    if (message.type === 'hangup') this.answered = false; // nobody takes what is said after it
    if (this.socket.readyState === OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Nothing more comes out after this. */
  close(): void {
    this.done = true;
    this.socket.close(1000);
  }

  private captured(pcm: Captured): void {
    if (!this.answered || this.socket.readyState !== OPEN) return;
    if (this.socket.bufferedAmount > MOST_BUFFERED) {
      this.leftOut++;
    } else {
      this.socket.send(pcm);
      this.sent++;
    }
  }

  private report({ type, samples, skipped }: Report): void {
    this.say(skipped > 0 ? { type, samples, skipped } : { type, samples });
  }

  private receive(data: string | ArrayBuffer): void {
    if (this.done) return;
    if (typeof data !== 'string') {
      const samples = fromWire(data);
      this.play({ type: 'pcm', samples }, [samples.buffer]);
      return;
    }
    const message = parseMessage(data);
    if (!message) return;
    if (message.type === 'call' && message.state === 'answered') this.answered = true;
    if (message.type === 'clear') this.play({ type: 'clear' }, []);
    this.tell({ type: 'message', message, sent: this.sent, leftOut: this.leftOut });
    if (message.type === 'end') this.close();
  }

  private play(message: ToPlayout, transfer: Transferable[]): void {
    this.speaker.postMessage(message, transfer);
  }

  private finish(): void {
    if (this.done) return;
    this.done = true;
    this.tell({ type: 'closed', opened: this.opened });
  }
}
