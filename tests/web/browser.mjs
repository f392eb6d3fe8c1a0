// What the browser tests share: a headless Chromium whose microphone is a WAV file, and pages that must ask nobody but
// talky-sipd, break no rule of its Content-Security-Policy, and log no error.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const require = createRequire(resolve(source, 'tools/sipd/web/package.json'));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const PATIENCE = 120_000; // for what must happen, however slow the machine is

export function check(condition, text) {
  if (!condition) throw new Error(text);
}

export async function withBrowser(microphone, work) {
  const browser = await chromium.launch({
    executablePath: process.env.TALKY_CHROMIUM ?? '/usr/bin/chromium',
    timeout: PATIENCE,
    args: [
      '--no-sandbox', // it opens nothing but our own page, and tests run as root, too
      '--use-gl=angle',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--use-fake-device-for-media-stream',
      ...(microphone ? [`--use-file-for-fake-audio-capture=${microphone}`] : []),
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost',
    ],
  });
  try {
    await work(browser);
  } finally {
    await browser.close();
  }
}

/** A page with its own watch: `page.innocent()` throws if it did anything that it must not. */
export async function openPage(browser, url, options = {}) {
  const { microphone = true, noWebGl = false, mayFail = [], ready = true, ...context } = options;
  // Two columns, and few pixels: here a processor draws them.
  const own = await browser.newContext({ viewport: { width: 960, height: 640 }, ...context });
  own.setDefaultTimeout(PATIENCE);
  if (microphone) await own.grantPermissions(['microphone'], { origin: new URL(url).origin });
  const page = await own.newPage();
  const faults = [];
  const host = new URL(url).host;
  const watch = (address) => {
    const { host: asked, protocol } = new URL(address);
    if (protocol !== 'data:' && protocol !== 'blob:' && asked !== host) faults.push(`asked ${address}`);
  };
  page.on('request', (request) => watch(request.url()));
  page.on('websocket', (socket) => watch(socket.url()));
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const about = `${message.text()} ${message.location().url}`;
    if (message.type() === 'error' && !mayFail.some((part) => about.includes(part))) faults.push(`console: ${about}`);
  });
  await own.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  if (noWebGl) {
    await own.addInitScript(() => {
      const real = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return String(kind).startsWith('webgl') ? null : real.call(this, kind, ...rest);
      };
    });
  }
  page.innocent = () => check(faults.length === 0, `the page is at fault:\n  ${faults.join('\n  ')}`);
  await page.goto(url);
  if (ready) await page.waitForFunction(() => 'talky' in window);
  return page;
}

export const inspect = (page) => page.evaluate(() => window.talky.inspect());

export const state = (page, name) =>
  page.waitForFunction((wanted) => window.talky.inspect().state.name === wanted, name);

/** No finding of axe, of any weight; what moves is waited for, since a colour in between is nobody's. */
export async function accessible(page, name) {
  await page.evaluate(axeSource);
  let violations;
  // A line of a conversation may arrive while axe looks, and fades in: what is wrong is found again.
  for (let attempt = 0; attempt < 4; attempt++) {
    await page.waitForFunction(() => document.getAnimations().every((a) => a.effect?.getTiming().iterations === Infinity || a.playState !== 'running'));
    violations = await page.evaluate(async () => {
      const result = await globalThis.axe.run(document, { resultTypes: ['violations'] });
      return result.violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => `${n.target.join(' ')} ${n.failureSummary}`).join('; ')}`);
    });
    if (violations.length === 0) break;
  }
  check(violations.length === 0, `axe, ${name}:\n  ${violations.join('\n  ')}`);
  console.log(`axe: ${name} is clean`);
}

/** With TALKY_SHOTS=FOLDER every state is also kept as a picture, for people to look at. */
export async function picture(page, name) {
  if (process.env.TALKY_SHOTS) await page.screenshot({ path: `${process.env.TALKY_SHOTS}/${name}.png` });
}

export async function main(work) {
  try {
    await work(...process.argv.slice(2));
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
