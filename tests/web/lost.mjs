// lost.mjs URL: prints "talking" when a call is up, then waits for talky-sipd to be killed by whoever reads that.
import { accessible, check, inspect, main, openPage, picture, state, withBrowser } from './browser.mjs';

await main(async (url) => {
  await withBrowser('', async (browser) => {
    const page = await openPage(browser, url, { mayFail: ['net::ERR', 'WebSocket'] });
    await page.getByRole('button', { name: 'Choose Sophia' }).click();
    await page.getByRole('button', { name: 'Talk to Sophia' }).click();
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
  });
});
