// Listening in to a call that is up: /api/v1/sip/audio/{id}, both sides as one.
import type { ToPlayout } from '../audio/messages.js';
import { fromWire } from '../audio/pcm.js';
import { Speaker } from '../audio/speaker.js';
import { socketUrl } from '../net/access.js';
import { mixed } from './mix.js';

export class Listener {
  private context: AudioContext | undefined;
  private speaker: Speaker | undefined;
  private socket: WebSocket | undefined;
  private over = false;

  constructor(
    private readonly id: string,
    private readonly ended: () => void,
  ) {}

  /** From a click. */
  async start(): Promise<void> {
    this.context = new AudioContext({ latencyHint: 'interactive' });
    void this.context.resume();
    const { port1, port2 } = new MessageChannel();
    this.speaker = await Speaker.open(this.context, port1, () => undefined);
    if (this.over) return;
    this.socket = new WebSocket(socketUrl(`/api/v1/sip/audio/${encodeURIComponent(this.id)}?leg=both`));
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (typeof event.data === 'string') return;
      const samples = fromWire(mixed(event.data));
      const message: ToPlayout = { type: 'pcm', samples };
      port2.postMessage(message, [samples.buffer]);
    };
    this.socket.onclose = () => this.close();
  }

  close(): void {
    if (this.over) return;
    this.over = true;
    this.socket?.close();
    this.speaker?.close();
    void this.context?.close();
    this.ended();
  }
}
