// Runs in the page: looks at the page's own levels once a frame, counts what it sees in window.seenBars, and notes what is
// wrong. Time is that of the frames as the bars take it, so a slow machine only takes longer.
export function watchBars() {
  const seen = { flat: 0, spoke: { caller: 0, agent: 0 }, crooked: 0, cuts: 0, faults: [] };
  let last = performance.now();
  let quietMs = 0;
  let sinceCut = -1;
  let cutAt = 0;
  const look = (now) => {
    const elapsed = Math.min(100, now - last);
    last = now;
    const { levels, heights, owner, state, cuts } = window.talky.inspect();
    if (state.name === 'talking') {
      // 600 ms after the last sound every bar has come down, to nothing.
      quietMs = levels.loudest === 0 ? quietMs + elapsed : 0;
      if (quietMs > 600) {
        seen.flat++;
        if (levels.tallest !== 0) seen.faults.push(`in silence a bar is ${levels.tallest} tall`);
      }
      if (levels.caller > 0.3 && levels.tallest > 0.1) seen.spoke.caller++;
      if (levels.agent > 0.3 && levels.tallest > 0.1) seen.spoke.agent++;
      if (heights.some((height, i) => Math.abs(height - heights[heights.length - 1 - i]) > 0.001)) seen.crooked++;
      if (cuts > seen.cuts) {
        seen.cuts = cuts;
        sinceCut = 0;
        cutAt = now;
      }
      // Interrupted: the agent falls away from the screen at once. Two seconds later it may be speaking again.
      if (sinceCut >= 0) {
        const left = Math.max(...heights.map((height, i) => height * owner[i]));
        if ((levels.agent < 0.02 && left < 0.12) || now - cutAt > 2000) sinceCut = -1;
        else if (++sinceCut > 12) seen.faults.push(`${sinceCut} frames after the interruption ${left} of the agent is still shown`);
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  window.seenBars = seen;
}
