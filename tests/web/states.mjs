// states.mjs URL: the faces of the page that need no conversation.
import { watchBars } from './bars.mjs';
import { accessible, check, inspect, main, openPage, picture, state, withBrowser } from './browser.mjs';

const start = async (page) => {
  await page.getByRole('button', { name: 'Choose Sophia' }).click();
  await page.getByRole('button', { name: 'Talk to Sophia' }).click();
};

const fits = async (page, name) => {
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
  check(wide <= 0, `${name} is ${wide} px wider than the screen`);
};

await main(async (url) => {
  await withBrowser('', async (browser) => {
    // Nobody allowed the microphone; light colours.
    const denied = await openPage(browser, url, { microphone: false, colorScheme: 'light' });
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
    denied.innocent();

    // The microphone beeps now and then, and echo sends it back; muted, all is silent, and the bars are flat.
    const echo = await openPage(browser, url);
    await echo.evaluate(watchBars);
    await start(echo);
    await state(echo, 'talking');
    await echo.waitForFunction(() => window.seenBars.spoke.caller > 0 && window.seenBars.spoke.agent > 0);
    await echo.getByRole('button', { name: 'Mute' }).click();
    await echo.waitForFunction(() => window.seenBars.flat > 2);
    await picture(echo, 'muted');
    const { faults, crooked } = await echo.evaluate(() => window.seenBars);
    check(faults.length === 0 && crooked === 0, `${crooked} crooked frames; ${faults.slice(0, 3).join('; ')}`);
    await echo.getByRole('button', { name: 'Hang up' }).click();
    await state(echo, 'over');
    await echo.close();

    // No WebGL: flat bars, on a phone, without motion.
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, reducedMotion: 'reduce' };
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
    await flat.getByRole('button', { name: 'Hang up' }).click();
    await state(flat, 'over');

    // WebGL that is taken away in the middle.
    const taken = await openPage(browser, url, { mayFail: ['CONTEXT_LOST'] });
    await taken.evaluate(() => {
      const gl = document.querySelector('#scene').getContext('webgl2');
      gl.getExtension('WEBGL_lose_context').loseContext();
    });
    await taken.waitForFunction(() => window.talky.inspect().stage === 'canvas');
    taken.innocent();

    const calls = await openPage(browser, `${url}calls`, { ...phone, microphone: false, colorScheme: 'light' });
    await calls.getByRole('heading', { name: /past call/i }).waitFor();
    await fits(calls, 'the calls on a phone');
    await picture(calls, 'phone-calls');
    await accessible(calls, 'the calls on a phone, light');
    await calls.getByRole('searchbox').fill('no such caller');
    await calls.getByText('No call is like that.').waitFor();
    calls.innocent();
  });
});
