// The same without WebGL: the waveform as flat bars; while it waits, two strands of rings as seen from the side.
import { BARS } from './bars.js';
import { FrameLoop } from './frame_loop.js';
import { BAR_RADIUS, barReach, barX, distances, RING_RADIUS, ringPlace } from './helix.js';
import { paletteOf, type Palette, type Shape, type Stage, type StageSettings } from './stage.js';

const TURN_PER_S = 0.22;
const CHANGE_MS = 500;

function mix(a: string, b: string, share: number): string {
  const channel = (colour: string, at: number): number => parseInt(colour.slice(at, at + 2), 16);
  const at = (i: number): number => Math.round(channel(a, i) + (channel(b, i) - channel(a, i)) * share);
  return `rgb(${at(1)} ${at(3)} ${at(5)})`;
}

export class Stage2d implements Stage {
  readonly kind = 'canvas';
  private readonly context: CanvasRenderingContext2D;
  private readonly loop = new FrameLoop((elapsed) => this.draw(elapsed));
  private readonly observer: ResizeObserver;
  private shape: Shape = 'helix';
  private form = 0;
  private turn = 0.6;

  constructor(private readonly settings: StageSettings) {
    const context = settings.canvas.getContext('2d');
    if (!context) throw new Error('this browser can draw nothing');
    this.context = context;
    this.observer = new ResizeObserver(() => this.refresh());
    this.observer.observe(settings.canvas);
    this.refresh();
  }

  show(shape: Shape): void {
    this.shape = shape;
    this.loop.wake();
  }

  wake(): void {
    if (!this.settings.bars.flat) this.loop.wake();
  }

  refresh(): void {
    const { canvas } = this.settings;
    const ratio = Math.min(2, window.devicePixelRatio);
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    this.loop.wake();
  }

  dispose(): void {
    this.loop.stop();
    this.observer.disconnect();
  }

  private draw(elapsed: number): boolean {
    const still = this.settings.still();
    const goal = this.shape === 'waveform' ? 1 : 0;
    const moved = this.form + (Math.sign(goal - this.form) * elapsed) / CHANGE_MS;
    this.form = still ? goal : Math.min(1, Math.max(0, moved));
    if (!still) this.turn += (TURN_PER_S * (1 - this.form) * elapsed) / 1000;
    this.settings.bars.step(elapsed);

    const { width, height } = this.settings.canvas;
    const { helix, waveform } = distances(1, width / height);
    const scale = height / 2 / (helix + (waveform - helix) * this.form);
    const palette = paletteOf(this.settings.dark());
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.clearRect(0, 0, width, height);
    this.context.setTransform(scale, 0, 0, -scale, width / 2, height / 2);
    if (this.form < 1) this.rings(palette, 1 - this.form);
    if (this.form > 0) this.waveform(palette, this.form, barReach(height / scale / 2));
    // A waveform that lies flat needs no frames.
    return this.form === goal && goal === 1 ? !this.settings.bars.flat : !still || this.form !== goal;
  }

  private rings(palette: Palette, alpha: number): void {
    const rings = Array.from({ length: BARS }, (_, i) => {
      const ring = ringPlace(i);
      const [cos, sin] = [Math.cos(this.turn), Math.sin(this.turn)];
      return { ...ring, x: ring.x * cos + ring.z * sin, z: ring.z * cos - ring.x * sin };
    }).sort((a, b) => a.z - b.z);
    for (const ring of rings) {
      this.context.globalAlpha = alpha * (0.55 + 0.3 * ring.z);
      this.context.strokeStyle = mix(palette.blue, palette.purple, ring.rise);
      this.context.lineWidth = 0.09;
      this.context.beginPath();
      this.context.ellipse(ring.x, ring.y, RING_RADIUS, RING_RADIUS * 0.62, 0, 0, 2 * Math.PI);
      this.context.stroke();
    }
    this.context.globalAlpha = 1;
  }

  private waveform(palette: Palette, alpha: number, most: number): void {
    const { heights, owner } = this.settings.bars;
    this.context.globalAlpha = alpha;
    for (let i = 0; i < BARS; i++) {
      const reach = most * heights[i]! + BAR_RADIUS;
      this.context.fillStyle = mix(palette.blue, palette.purple, (i / (BARS - 1)) * 0.45 + owner[i]! * 0.55);
      this.context.beginPath();
      this.context.roundRect(barX(i) - BAR_RADIUS, -reach, 2 * BAR_RADIUS, 2 * reach, BAR_RADIUS);
      this.context.fill();
    }
    this.context.globalAlpha = 1;
  }
}
