// An agent that speaks Twilio's Media Streams, on the stock WebSocket library of npm. Prints a line of JSON for
// whatever it is told, media counted only.
//   node agent.mjs [--echo] [--say FILE.ulaw] [--mark NAME] [--drop-after N] [--refuse N] [--close-after N]
//                  [--cert FILE --key FILE]
// --drop-after: the first connection breaks off after so many media messages. --refuse: the next so many handshakes are
// refused then. --close-after: closes in good order. The key 9 clears what was said, # closes.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(process.cwd() + "/")("ws");

const options = {};
for (let i = 2; i < process.argv.length; i++) {
  const name = process.argv[i].slice(2);
  options[name] = name === "echo" ? true : process.argv[++i];
}
const tell = (message) => console.log(JSON.stringify(message));
const server = options.cert
  ? createTlsServer({ cert: readFileSync(options.cert), key: readFileSync(options.key) })
  : createServer();
let connections = 0;
let refuse = 0;
const sockets = new WebSocketServer({
  server,
  verifyClient: (_, done) => {
    const refused = refuse > 0;
    if (refused) refuse--;
    tell({ event: refused ? "refused" : "accepted" });
    done(!refused, 503);
  },
});

sockets.on("connection", (socket, request) => {
  const number = ++connections;
  let media = 0;
  let streamSid = "";
  const send = (message) => socket.send(JSON.stringify({ streamSid, ...message }));
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    if (message.event !== "media") tell({ connection: number, path: request.url, ...message });
    switch (message.event) {
      case "start":
        streamSid = message.start.streamSid;
        if (options.say) {
          const sound = readFileSync(options.say);
          for (let at = 0; at < sound.length; at += 160)
            send({ event: "media", media: { payload: sound.subarray(at, at + 160).toString("base64") } });
          send({ event: "mark", mark: { name: options.mark ?? "said" } });
        }
        break;
      case "media":
        media++;
        if (options.echo) send({ event: "media", media: { payload: message.media.payload } });
        if (number === 1 && media === Number(options["drop-after"])) {
          refuse = Number(options.refuse ?? 0);
          socket.terminate();
        }
        if (media === Number(options["close-after"])) socket.close(1000);
        break;
      case "dtmf":
        if (message.dtmf.digit === "9") send({ event: "clear" });
        if (message.dtmf.digit === "#") socket.close(1000);
        break;
    }
  });
  socket.on("close", (code) => tell({ event: "closed", connection: number, code, media }));
});
server.listen(0, "127.0.0.1", () => tell({ event: "listening", port: server.address().port }));
