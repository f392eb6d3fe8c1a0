// The sound of a call goes on while the page's thread stands still.
import { check, PATIENCE } from './browser.mjs';

/** Runs in the page: keeps what the loudspeaker tells, 20 ms each, in window.rendered. */
export function watchPlayout() {
  window.rendered = [];
  const real = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage');
  Object.defineProperty(MessagePort.prototype, 'onmessage', {
    ...real,
    set(handler) {
      const watched = handler && ((event) => {
        if (event.data?.state?.targetMs !== undefined) window.rendered.push(event.data);
        handler.call(this, event);
      });
      real.set.call(this, watched);
    },
  });
}

// Runs in the page, and nothing else does meanwhile: half a second at least, and until half a second of the microphone has
// come to talky-sipd, which is asked without giving the thread back. Sound that went by this thread would never come.
function standStill({ call, patience }) {
  const packets = () => {
    const request = new XMLHttpRequest();
    request.open('GET', `/api/v1/sip/calls/${call}`, false);
    request.send();
    return JSON.parse(request.responseText).quality.in.packets;
  };
  const begin = performance.now();
  const before = packets();
  let came = 0;
  do {
    const pause = performance.now() + 50;
    while (performance.now() < pause);
    came = packets() - before;
  } while ((performance.now() - begin < 500 || came < 25) && performance.now() - begin < patience);
  return { came, ms: Math.round(performance.now() - begin) };
}

export async function stall(page, call) {
  const { came, ms } = await page.evaluate(standStill, { call, patience: PATIENCE / 4 });
  check(came >= 25, `in ${ms} ms without the page's thread ${came} frames of the microphone came`);
  console.log(`the page stood still for ${ms} ms, and ${came} frames of the microphone came`);

  // What the loudspeaker plays: a busy machine may starve the browser itself, so one clean half second of many is asked for.
  // Sound that went by the page's thread would run dry in each.
  for (let attempt = 1; ; attempt++) {
    await page.waitForFunction(() => window.talky.inspect().playout?.depthMs > 0);
    const gap = await page.evaluate(async () => {
      const first = window.rendered.length;
      const end = performance.now() + 500;
      while (performance.now() < end);
      // What was told meanwhile waits in the queue of messages; what is told after this mark comes later.
      await new Promise((done) => setTimeout(done, 100));
      const told = window.rendered.slice(first, first + 24);
      const late = told.findIndex((one, i) => i > 0 && one.at - told[i - 1].at > 0.025);
      const dry = told.findIndex((one) => one.state.depthMs === 0);
      return { told: told.length, late, dry, played: told.length > 0 ? told.at(-1).state.played - told[0].state.played : 0 };
    });
    if (gap.told === 24 && gap.late < 0 && gap.dry < 0 && gap.played >= 23 * 300) {
      console.log(`half a second was played whole without the page's thread (attempt ${attempt})`);
      return;
    }
    check(attempt < 40, `the sound has a gap whenever the page stands still: ${JSON.stringify(gap)}`);
  }
}
