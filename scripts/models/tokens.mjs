// Moonshine's vocabulary, out of llama-tokenizer-js (the same 32,000 SentencePiece pieces): one piece a line, line n is
// token n. Usage: node tokens.mjs LLAMA_TOKENIZER.js >tokens.txt
import { readFileSync } from "node:fs";

const source = readFileSync(process.argv[2], "utf8");
const encoded = /["'`]([A-Za-z0-9+/=]{100000,})["'`]/.exec(source);
if (!encoded) throw new Error(`${process.argv[2]}: no base64 vocabulary in it`);
const pieces = Buffer.from(encoded[1], "base64").toString("utf8").split("\n");
if (pieces.length !== 32000 || pieces[1] !== "<s>" || pieces[2] !== "</s>")
  throw new Error(`${process.argv[2]}: ${pieces.length} pieces, expected 32000 with <s> at 1 and </s> at 2`);
process.stdout.write(pieces.join("\n") + "\n");
