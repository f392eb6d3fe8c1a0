// states.mjs URL GUARDED_URL OPERATE READ: the faces of the page that need no conversation. URL is an echo, GUARDED_URL another
// talky-sipd that wants one of the two tokens. At the end it prints "talking" in a call to URL, and waits for that
// talky-sipd to be killed by whoever reads it.
import { stall, watchPlayout } from './audio.mjs';
import { watchBars } from './bars.mjs';
import { accessible, check, inspect, main, openPage, picture, state, withBrowser } from './browser.mjs';

const STILL = { reducedMotion: 'reduce' }; // who wants less motion; and a helix that stands takes no time

const start = async (page) => {
  await page.getByRole('button', { name: 'Choose Sophia' }).click();
  await page.getByRole('button', { name: 'Talk to Sophia' }).click();
};

const fits = async (page, name) => {
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
  check(wide <= 0, `${name} is ${wide} px wider than the screen`);
};

/** Every frame of the microphone went out. What of that talky-sipd's call took, its test holds against its late ticks. */
async function complete(page, id) {
  const { sent, leftOut } = (await inspect(page)).line;
  const came = await page.evaluate(async (call) => {
    for (;;) {
      const answer = await fetch(`/api/v1/sip/history/${call}`);
      if (answer.ok) return (await answer.json()).in_packets;
      await new Promise((done) => setTimeout(done, 100));
    }
  }, id);
  console.log(`microphone: ${sent} frames sent, ${sent - came} missing`);
  check(leftOut === 0 && came <= sent, `of ${sent} frames ${came} came, ${leftOut} were left out`);
}

/** A token is asked for, a wrong one is refused, one that may only look makes no call. */
async function tokens(browser, url, operate, read) {
  const page = await openPage(browser, url, { mayFail: ['401', '403', 'WebSocket'], ready: false, ...STILL });
  const give = async (token) => {
    await page.getByLabel(/A line of the file/).fill(token);
    await page.getByRole('button', { name: 'Go on' }).click();
  };
  const dialog = page.getByRole('dialog', { name: 'This talky-sipd wants a token' });
  await dialog.waitFor();
  await picture(page, 'token');
  await accessible(page, 'the question for a token');
  await give('wrong');
  await page.getByText('That token was not taken.').waitFor();
  await picture(page, 'token-wrong');
  await accessible(page, 'a wrong token');
  await give(read);
  await start(page);
  await page.getByRole('heading', { name: 'This token may only look' }).waitFor();
  await picture(page, 'token-read');
  await accessible(page, 'a token that may only look');
  await page.getByRole('button', { name: 'Enter another token' }).click();
  await dialog.waitFor();
  await give(operate);
  await dialog.waitFor({ state: 'detached' });
  await start(page);
  await state(page, 'talking');
  await page.getByRole('button', { name: 'Hang up' }).click();
  await state(page, 'over');
  // It holds for this visit, on the other page as well.
  await page.getByRole('link', { name: 'Calls' }).click();
  await page.locator('.row').first().waitFor();
  page.innocent();
  await page.close();
}

async function lost(browser, url) {
  const page = await openPage(browser, url, { mayFail: ['net::ERR', 'WebSocket'], ...STILL });
  await start(page);
  await state(page, 'talking');
  console.log('talking');
  await state(page, 'failed');
  check((await inspect(page)).state.why === 'lost', 'it does not say that the connection was lost');
  await page.getByRole('heading', { name: 'The connection was lost' }).waitFor();
  await picture(page, 'lost');
  await accessible(page, 'lost connection');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'talky-sipd does not answer' }).waitFor();
  await picture(page, 'unreachable');
  await accessible(page, 'talky-sipd is away');
  page.innocent();
}

await main(async (url, guarded, operate, read) => {
  await withBrowser('', async (browser) => {
    // Nobody allowed the microphone; light colours.
    const denied = await openPage(browser, url, { microphone: false, colorScheme: 'light', mayFail: ['CONTEXT_LOST'], ...STILL });
    await start(denied);
    await state(denied, 'failed');
    await denied.getByRole('heading', { name: 'The microphone is blocked' }).waitFor();
    check((await denied.locator('#announcer').textContent()).includes('microphone'), 'it is not announced');
    await picture(denied, 'denied');
    await accessible(denied, 'denied microphone, light');
    await denied.getByRole('button', { name: 'Other voices' }).click();
    await accessible(denied, 'the voices, light');
    await denied.getByRole('button', { name: 'Dark colours' }).click();
    await accessible(denied, 'the voices, dark by choice');
    // WebGL that is taken away in the middle.
    await denied.evaluate(() => {
      document.querySelector('#scene').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext();
    });
    await denied.waitForFunction(() => window.talky.inspect().stage === 'canvas');
    denied.innocent();
    await denied.close();

    // The microphone beeps now and then, and echo sends it back; muted, all is silent, and the bars are flat.
    const echo = await openPage(browser, url);
    await echo.evaluate(watchBars);
    await echo.evaluate(watchPlayout);
    await start(echo);
    await state(echo, 'talking');
    await echo.waitForFunction(() => window.seenBars.spoke.caller > 0 && window.seenBars.spoke.agent > 0);
    const { id } = (await inspect(echo)).state;
    await stall(echo, id);
    await echo.getByRole('button', { name: 'Mute' }).click();
    await echo.waitForFunction(() => window.seenBars.flat > 2);
    await picture(echo, 'muted');
    const { faults, crooked } = await echo.evaluate(() => window.seenBars);
    check(faults.length === 0 && crooked === 0, `${crooked} crooked frames; ${faults.slice(0, 3).join('; ')}`);
    await echo.getByRole('button', { name: 'Hang up' }).click();
    await state(echo, 'over');
    await complete(echo, id);
    await echo.close();

    // No WebGL: flat bars, on a phone, without motion.
    const phone = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true, ...STILL };
    const flat = await openPage(browser, url, { ...phone, noWebGl: true });
    check((await inspect(flat)).stage === 'canvas', 'without WebGL there is no flat stage');
    await flat.waitForFunction(() => {
      const canvas = document.querySelector('#scene');
      return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
    });
    await fits(flat, 'the page on a phone');
    await picture(flat, 'phone-flat');
    await accessible(flat, 'a phone without WebGL');
    await start(flat);
    await state(flat, 'talking');
    await fits(flat, 'a call on a phone');
    await picture(flat, 'phone-call');
    await accessible(flat, 'a call on a phone');
    // The keypad leaves the button in the middle free.
    await flat.getByRole('button', { name: 'Keypad' }).click();
    await flat.getByRole('button', { name: 'Hang up' }).click();
    await state(flat, 'over');
    await flat.close();

    const calls = await openPage(browser, `${url}calls`, { ...phone, microphone: false, colorScheme: 'light' });
    await calls.getByRole('heading', { name: /past call/i }).waitFor();
    await fits(calls, 'the calls on a phone');
    await picture(calls, 'phone-calls');
    await accessible(calls, 'the calls on a phone, light');
    await calls.getByRole('searchbox').fill('no such caller');
    await calls.getByText('No call is like that.').waitFor();
    calls.innocent();
    await calls.close();

    await tokens(browser, guarded, operate, read);
    await lost(browser, url);
  });
});
