// The Worker of a call; it ends with the line.
import { Line, type FromLine, type ToLine } from './line.js';

let line: Line | undefined;

self.onmessage = (event: MessageEvent<ToLine>) => {
  const order = event.data;
  switch (order.type) {
    case 'open': {
      const socket = new WebSocket(order.url);
      line = new Line(socket, order.microphone, order.speaker, (message: FromLine) => self.postMessage(message));
      socket.addEventListener('close', () => self.close());
      break;
    }
    case 'say':
      line?.say(order.message);
      break;
    case 'close':
      line?.close();
      break;
  }
};
