// Where the rings of the double helix are, in units of the scene. Ring i becomes bar i of the waveform.
import { BARS } from './bars.js';

export interface RingPlace {
  x: number;
  y: number;
  z: number;
  /** The direction along the strand, which the ring surrounds. */
  tangent: [number, number, number];
  /** 0 at the bottom, 1 at the top. */
  rise: number;
  strand: 0 | 1;
}

export const HELIX_RADIUS = 1.3;
export const HELIX_HEIGHT = 5.6;
export const HELIX_TURNS = 1.25;
export const BAR_SPACING = 0.168;
export const BAR_RADIUS = 0.05;
export const RING_RADIUS = 0.33;
export const RING_TUBE = 0.058;

export function ringPlace(ring: number, rings: number = BARS): RingPlace {
  const strand = (ring % 2) as 0 | 1;
  const rise = rings > 2 ? Math.floor(ring / 2) / (rings / 2 - 1) : 0;
  const angle = rise * HELIX_TURNS * 2 * Math.PI + strand * Math.PI;
  const dAngle = HELIX_TURNS * 2 * Math.PI;
  const along: [number, number, number] = [
    -HELIX_RADIUS * Math.sin(angle) * dAngle,
    HELIX_HEIGHT,
    HELIX_RADIUS * Math.cos(angle) * dAngle,
  ];
  const length = Math.hypot(...along);
  return {
    x: HELIX_RADIUS * Math.cos(angle),
    y: (rise - 0.5) * HELIX_HEIGHT,
    z: HELIX_RADIUS * Math.sin(angle),
    tangent: [along[0] / length, along[1] / length, along[2] / length],
    rise,
    strand,
  };
}

export function barX(bar: number, bars: number = BARS): number {
  return (bar - (bars - 1) / 2) * BAR_SPACING;
}

/** How far away the whole helix, and the whole waveform, are seen: of the latter only the width is given. */
export function distances(tangent: number, aspect: number): { helix: number; waveform: number } {
  const high = (HELIX_HEIGHT / 2 + 0.75) / tangent;
  const wide = ((BARS * BAR_SPACING) / 2 + 0.35) / (tangent * aspect);
  return { helix: Math.max(high, wide), waveform: Math.max(wide, 0.6 * high) };
}

/** Half the length of a bar of height 1, where so much of the scene is seen above the middle: taller on a narrow screen. */
export function barReach(halfHeight: number): number {
  return Math.min(4.2, 0.62 * halfHeight);
}
