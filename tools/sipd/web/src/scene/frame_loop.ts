// One frame after the other while there is something to show, and none while the page is hidden or nothing moves.

export class FrameLoop {
  private handle: number | undefined;
  private last = 0;

  /** `draw` gets the ms since the last frame (at most 100) and says if it wants another one. */
  constructor(private readonly draw: (elapsed: number) => boolean) {}

  wake(): void {
    if (this.handle !== undefined) return;
    this.last = performance.now();
    this.handle = requestAnimationFrame(this.frame);
  }

  stop(): void {
    if (this.handle !== undefined) cancelAnimationFrame(this.handle);
    this.handle = undefined;
  }

  private readonly frame = (now: number): void => {
    const elapsed = Math.min(100, Math.max(0, now - this.last));
    this.last = now;
    this.handle = undefined;
    if (this.draw(elapsed)) this.handle = requestAnimationFrame(this.frame);
  };
}
