// The WebSocket of one call. It speaks the protocol and knows nothing of microphones and pages.
import { socketUrl } from '../net/access.js';
import { parseMessage, type FromServer, type ToServer } from './protocol.js';

const MOST_BUFFERED = 32000; // bytes, a second of the microphone: beyond it the newest is left out, not the oldest delayed

export interface SocketEvents {
  message(message: FromServer): void;
  sound(pcm: ArrayBuffer): void;
  /** Once. `opened`: there had been a connection. */
  closed(opened: boolean): void;
}

export class CallSocket {
  private readonly socket: WebSocket;
  private opened = false;
  private done = false;
  private left = 0;

  constructor(
    query: { voice: string; to?: string },
    private readonly events: SocketEvents,
  ) {
    const url = socketUrl('/api/v1/web/call');
    url.searchParams.set('voice', query.voice);
    url.searchParams.set('reports', '1');
    if (query.to !== undefined) url.searchParams.set('to', query.to);
    this.socket = new WebSocket(url);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = () => (this.opened = true);
    this.socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.receive(event.data);
    this.socket.onclose = () => this.finish();
  }

  /** Frames of the microphone that were left out because the connection could not take them. */
  get leftOut(): number {
    return this.left;
  }

  sound(pcm: ArrayBuffer): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > MOST_BUFFERED) this.left++;
    else this.socket.send(pcm);
  }

  say(message: ToServer): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Nothing more comes out after this. */
  close(): void {
    this.done = true;
    this.socket.close(1000);
  }

  private receive(data: string | ArrayBuffer): void {
    if (this.done) return;
    if (typeof data !== 'string') {
      this.events.sound(data);
      return;
    }
    const message = parseMessage(data);
    if (!message) return;
    this.events.message(message);
    if (message.type === 'end') this.close();
  }

  private finish(): void {
    if (this.done) return;
    this.done = true;
    this.events.closed(this.opened);
  }
}
