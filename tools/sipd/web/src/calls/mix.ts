// Both sides of a call for one loudspeaker.

/** Two channels, side by side, to one. */
export function mixed(stereo: ArrayBuffer): ArrayBuffer {
  const from = new DataView(stereo);
  const frames = stereo.byteLength >> 2;
  const mono = new ArrayBuffer(2 * frames);
  const to = new DataView(mono);
  for (let i = 0; i < frames; i++) {
    const sum = from.getInt16(4 * i, true) + from.getInt16(4 * i + 2, true);
    to.setInt16(2 * i, Math.max(-32768, Math.min(32767, sum)), true);
  }
  return mono;
}
