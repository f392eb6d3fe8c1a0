// talk.mjs URL SPEECH.wav WORD: a conversation with the real agent through the page. The microphone says the same
// question again and again, so the answer is interrupted sooner or later, however slow the machine is.
import { watchBars } from './bars.mjs';
import { accessible, check, inspect, main, openPage, picture, state, withBrowser } from './browser.mjs';

const callerText = (lines) => lines.filter((l) => l.side === 'caller').map((l) => l.text).join(' ');

await main(async (url, speech, word) => {
  await withBrowser(speech, async (browser) => {
    const page = await openPage(browser, url, { mayFail: ['/api/v1/sip/recordings/'] });
    check((await inspect(page)).stage === 'webgl', 'the helix is not drawn by WebGL');
    await picture(page, 'browse');
    await accessible(page, 'the voices');

    // The sample is sound that the engine spoke; it plays until it is stopped.
    await page.getByRole('button', { name: 'Hear Sophia' }).click();
    await page.waitForFunction(
      () => Number(document.querySelector('.sample.on')?.style.getPropertyValue('--progress')) > 0.05,
    );
    await page.getByRole('button', { name: 'Stop Sophia' }).click();
    await page.getByRole('button', { name: 'Hear Sophia' }).waitFor();

    // With the keyboard: another voice, choose it, call.
    await page.getByRole('button', { name: 'Next voice' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: 'Choose Emma' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'You will talk to Emma' }).waitFor();
    await picture(page, 'chosen');
    await accessible(page, 'the chosen voice');
    await page.evaluate(watchBars);
    await page.keyboard.press('Enter');
    await state(page, 'talking');
    await accessible(page, 'a call');
    const { id } = (await inspect(page)).state;

    // What was said stands in the captions.
    await page.waitForFunction(
      (wanted) => [...document.querySelectorAll('.line.caller p')].some((p) => p.textContent.toLowerCase().includes(wanted)),
      word.toLowerCase(),
    );
    await picture(page, 'talking');
    console.log(`understood: ${callerText((await inspect(page)).lines)}`);

    // The answer is interrupted: the sound stops, and what was not heard is struck out.
    await page.waitForFunction(() => window.talky.inspect().cuts > 0);
    await page.locator('.line.agent del').first().waitFor();
    await picture(page, 'interrupted');
    console.log(`not heard: ${await page.locator('.line.agent del').first().textContent()}`);

    // Milliseconds of a turn.
    await page.locator('.waterfall summary').first().click();
    await page.locator('.waterfall[open] .step').first().waitFor();
    const figures = (await inspect(page)).lines.flatMap((line) => (line.latency ? [line.latency] : []));
    check(figures.every((one) => one.response > 0), 'a turn took no time');
    await picture(page, 'waterfall');
    await accessible(page, 'a call with captions');

    // Muted, the microphone is silence for bars and agent.
    await page.getByRole('button', { name: 'Mute' }).click();
    await page.waitForFunction(() => window.talky.inspect().levels.caller === 0);
    await accessible(page, 'a muted call');
    // The agent would hang up on a caller who is silent for long.
    await page.getByRole('button', { name: 'Muted' }).click();
    await page.getByRole('button', { name: 'Keypad' }).click();
    await page.getByRole('button', { name: '5', exact: true }).click();
    await accessible(page, 'a call with the keypad');

    // The same call on the other page, while it is up.
    const calls = await openPage(browser, `${url}calls#${id}`, { microphone: false, mayFail: ['404'] });
    await calls.getByRole('button', { name: 'Listen in' }).waitFor();
    await calls.waitForFunction(
      (wanted) => document.querySelector('.transcript')?.textContent.toLowerCase().includes(wanted),
      word.toLowerCase(),
    );
    await picture(calls, 'calls-live');
    await accessible(calls, 'calls, one that is up');

    await page.getByRole('button', { name: 'Hang up' }).click();
    await state(page, 'over');
    const seen = await page.evaluate(() => window.seenBars);
    check(seen.faults.length === 0, seen.faults.slice(0, 3).join('; '));
    check(seen.crooked === 0, 'the waveform is not the same on both sides');
    check(seen.spoke.caller > 0 && seen.spoke.agent > 0, `the bars did not move with speech: ${JSON.stringify(seen.spoke)}`);
    console.log(`bars: ${JSON.stringify(seen)}`);

    // Both downloads are what they say.
    const text = await page.evaluate(async (call) => {
      for (let i = 0; i < 200; i++) {
        const answer = await fetch(`/api/v1/sip/recordings/${call}?part=journal`);
        if (answer.ok) return answer.text();
        await new Promise((done) => setTimeout(done, 100));
      }
      return '';
    }, id);
    check(text.includes('"type":"turn"'), 'the journal of the call does not tell of a turn');
    await page.locator('.downloads a[download$=".wav"]').waitFor();
    const wav = await page.evaluate(async (call) => {
      const bytes = new Uint8Array(await (await fetch(`/api/v1/sip/recordings/${call}`)).arrayBuffer());
      return { size: bytes.length, tag: String.fromCharCode(...bytes.slice(0, 4)) };
    }, id);
    check(wav.tag === 'RIFF' && wav.size > 64000, `the recording is ${JSON.stringify(wav)}`);
    await picture(page, 'over');
    await accessible(page, 'after the call');
    page.innocent();

    // The call that was looked at turns into one that is over; it can be seen and heard.
    await calls.getByRole('button', { name: 'Play', exact: true }).waitFor();
    await calls.locator('.transcript .line.agent').first().waitFor();
    await calls.locator(`.row[data-id="${id}"]`).waitFor();
    await calls.waitForFunction(() => {
      const canvas = document.querySelector('.wave canvas');
      const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      let painted = 0;
      for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) painted++;
      return painted > 0.05 * canvas.width * canvas.height;
    });
    await calls.getByRole('button', { name: 'Play', exact: true }).click();
    await calls.waitForFunction(() => Number(document.querySelector('.wave').getAttribute('aria-valuenow')) > 0.3);
    await calls.getByRole('button', { name: 'Pause' }).click();
    await calls.getByRole('slider').focus();
    await calls.keyboard.press('End');
    await picture(calls, 'calls-past');
    await accessible(calls, 'calls, one that is over');
    calls.innocent();
  });
});
