// WebGL where there is one, flat bars where there is none or where it is taken away.
import { Stage2d } from './stage_2d.js';
import { Stage3d } from './stage_3d.js';
import type { Shape, Stage, StageSettings } from './stage.js';

export class EitherStage implements Stage {
  private stage: Stage;
  private shape: Shape = 'helix';

  constructor(private settings: StageSettings) {
    try {
      this.stage = new Stage3d(settings, () => this.fallBack());
    } catch {
      this.stage = this.flat();
    }
  }

  get kind(): 'webgl' | 'canvas' {
    return this.stage.kind;
  }

  show(shape: Shape): void {
    this.shape = shape;
    this.stage.show(shape);
  }

  wake(): void {
    this.stage.wake();
  }

  refresh(): void {
    this.stage.refresh();
  }

  dispose(): void {
    this.stage.dispose();
  }

  private fallBack(): void {
    if (this.stage.kind === 'canvas') return;
    this.stage.dispose();
    this.stage = this.flat();
    this.stage.show(this.shape);
  }

  // A canvas that has once been WebGL's cannot become flat: another one takes its place.
  private flat(): Stage {
    const canvas = this.settings.canvas.cloneNode(false) as HTMLCanvasElement;
    this.settings.canvas.replaceWith(canvas);
    this.settings = { ...this.settings, canvas };
    return new Stage2d(this.settings);
  }
}

