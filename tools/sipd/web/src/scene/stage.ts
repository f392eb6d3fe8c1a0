// What the page shows of itself: a helix while it waits, a waveform while people talk. Two ways to draw it, one meaning.
import type { Bars } from './bars.js';

export type Shape = 'helix' | 'waveform';

export interface Stage {
  readonly kind: 'webgl' | 'canvas';
  show(shape: Shape): void;
  /** There may be something new in the bars. */
  wake(): void;
  /** Repaints for colours, size or reduced motion that may have changed. */
  refresh(): void;
  dispose(): void;
}

export interface StageSettings {
  canvas: HTMLCanvasElement;
  bars: Bars;
  dark(): boolean;
  still(): boolean; // the user wants less motion
}

export interface Palette {
  blue: string;
  violet: string;
  purple: string;
  fog: string;
}

export function paletteOf(dark: boolean): Palette {
  return dark
    ? { blue: '#4f8dff', violet: '#7a68ff', purple: '#b45cff', fog: '#0b0b16' }
    : { blue: '#2f6bff', violet: '#6a4df5', purple: '#9d37ee', fog: '#f4f3fd' };
}
