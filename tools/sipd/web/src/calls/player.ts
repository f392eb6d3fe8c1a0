// A recording that can be looked at and heard: the caller above the line, the agent below it. The shape is taken from
// the file as it is downloaded; the sound itself is the browser's, with range requests.
import { authorised, request } from '../net/access.js';
import { h } from '../ui/dom.js';
import { icon } from '../ui/icons.js';
import { paletteOf } from '../scene/stage.js';
import { isDark } from '../ui/theme.js';
import { duration } from './format.js';
import { condense, WavShape } from './wav.js';

const BAR = 3; // px, with a gap of 1.5
const STEP = 4.5;
const SEEK_S = 5;
const LOUD = 0.9; // of half the height, for the loudest of the call

export class Player {
  readonly root: HTMLElement;
  private readonly canvas = h('canvas', {});
  private readonly slider: HTMLElement;
  private readonly audio = new Audio();
  private readonly button: HTMLButtonElement;
  private readonly clock = h('span', { class: 'time' }, '0:00');
  private readonly note = h('p', { class: 'note', role: 'status' });
  private readonly giveUp = new AbortController();
  private readonly observer = new ResizeObserver(() => this.draw());
  private shape = new WavShape();
  private frame: number | undefined;

  constructor(
    private readonly url: string,
    private readonly moved: (seconds: number) => void,
  ) {
    this.button = h('button', { type: 'button', class: 'play', 'aria-label': 'Play', onclick: () => this.toggle() }, icon('play'));
    this.slider = h(
      'div',
      {
        class: 'wave',
        role: 'slider',
        tabindex: '0',
        'aria-label': 'Place in the recording',
        'aria-valuemin': '0',
        'aria-valuemax': '0',
        'aria-valuenow': '0',
        'aria-valuetext': '0:00',
      },
      this.canvas,
    );
    this.root = h('div', { class: 'player' }, this.button, this.slider, this.clock, this.note);
    this.slider.addEventListener('pointerdown', (event) => this.point(event));
    this.slider.addEventListener('pointermove', (event) => {
      if (event.buttons === 1) this.point(event);
    });
    this.slider.addEventListener('keydown', (event) => this.key(event));
    this.audio.preload = 'metadata';
    this.audio.src = authorised(url);
    for (const event of ['play', 'pause', 'ended', 'seeked', 'loadedmetadata']) {
      this.audio.addEventListener(event, () => this.update());
    }
    this.audio.addEventListener('error', () => this.fail('The recording cannot be played.'));
    this.observer.observe(this.canvas);
    void this.load();
  }

  seek(seconds: number, play = false): void {
    this.audio.currentTime = Math.min(Math.max(0, seconds), this.seconds);
    if (play && this.audio.paused) this.toggle();
    this.update();
  }

  redraw(): void {
    this.draw();
  }

  close(): void {
    this.giveUp.abort();
    this.observer.disconnect();
    this.audio.pause();
    this.audio.removeAttribute('src');
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
  }

  private get seconds(): number {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : this.shape.seconds;
  }

  private async load(): Promise<void> {
    try {
      const response = await request(this.url, { signal: this.giveUp.signal });
      if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        this.shape.push(value);
      }
      this.draw();
      this.update();
    } catch {
      if (!this.giveUp.signal.aborted) this.fail('There is no recording of this call.');
    }
  }

  private fail(text: string): void {
    this.note.textContent = text;
    this.button.disabled = true;
  }

  private toggle(): void {
    if (!this.audio.paused) this.audio.pause();
    else this.audio.play().catch(() => this.fail('The recording cannot be played.'));
  }

  private readonly animate = (): void => {
    this.frame = this.audio.paused ? undefined : requestAnimationFrame(this.animate);
    this.draw();
    this.tell();
  };

  private update(): void {
    const playing = !this.audio.paused && !this.audio.ended;
    this.button.replaceChildren(icon(playing ? 'pause' : 'play'));
    this.button.setAttribute('aria-label', playing ? 'Pause' : 'Play');
    if (playing && this.frame === undefined) this.frame = requestAnimationFrame(this.animate);
    this.draw();
    this.tell();
  }

  private tell(): void {
    const now = this.audio.currentTime;
    this.clock.textContent = `${duration(1000 * now)} / ${duration(1000 * this.seconds)}`;
    this.slider.setAttribute('aria-valuemax', this.seconds.toFixed(1));
    this.slider.setAttribute('aria-valuenow', now.toFixed(1));
    this.slider.setAttribute('aria-valuetext', duration(1000 * now));
    this.moved(now);
  }

  private point(event: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    this.seek(((event.clientX - box.left) / Math.max(1, box.width)) * this.seconds);
  }

  private key(event: KeyboardEvent): void {
    const now = this.audio.currentTime;
    const places: Record<string, number> = {
      ArrowLeft: now - SEEK_S,
      ArrowRight: now + SEEK_S,
      Home: 0,
      End: this.seconds,
    };
    const place = places[event.key];
    if (place !== undefined) this.seek(place);
    else if (event.key === ' ' || event.key === 'Enter') this.toggle();
    else return;
    event.preventDefault();
  }

  private draw(): void {
    const ratio = Math.min(2, window.devicePixelRatio);
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (width === 0) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext('2d');
    if (!context) return;
    context.scale(ratio, ratio);
    const bars = Math.floor(width / STEP);
    const caller = condense(this.shape.peaks[0] ?? [], bars);
    const agent = condense(this.shape.peaks[1] ?? [], bars);
    const most = Math.max(0.05, ...caller, ...agent);
    const palette = paletteOf(isDark());
    const played = this.seconds > 0 ? this.audio.currentTime / this.seconds : 0;
    const middle = height / 2;
    for (let i = 0; i < bars; i++) {
      const x = i * STEP;
      context.globalAlpha = played === 0 || i / bars <= played ? 1 : 0.42;
      for (const [level, up, colour] of [
        [caller[i]!, true, palette.blue],
        [agent[i]!, false, palette.purple],
      ] as const) {
        const length = Math.max(1, Math.sqrt(level / most) * LOUD * middle);
        context.fillStyle = colour;
        context.beginPath();
        context.roundRect(x, up ? middle - length - 0.5 : middle + 0.5, BAR, length, 1.5);
        context.fill();
      }
    }
    if (played > 0) {
      context.globalAlpha = 1;
      context.fillStyle = getComputedStyle(this.canvas).color;
      context.fillRect(played * width - 0.75, 0, 1.5, height);
    }
  }
}
