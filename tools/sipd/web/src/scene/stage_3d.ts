// The helix and the waveform in WebGL: 48 instances of one body, so one draw call a frame.
import {
  Color,
  InstancedBufferAttribute,
  Mesh,
  PerspectiveCamera,
  Scene,
  ShaderMaterial,
  Vector4,
  WebGLRenderer,
} from 'three';
import { BARS } from './bars.js';
import { FrameLoop } from './frame_loop.js';
import { BAR_RADIUS, barReach, barX, distances, RING_RADIUS, RING_TUBE, ringPlace } from './helix.js';
import { ringGeometry } from './ring_geometry.js';
import { FRAGMENT, VERTEX } from './shaders.js';
import { paletteOf, type Shape, type Stage, type StageSettings } from './stage.js';

const TURN_PER_S = 0.22;
const CHANGE_MS = 1150;

export class Stage3d implements Stage {
  readonly kind = 'webgl';
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(32, 1, 0.1, 50);
  private readonly material: ShaderMaterial;
  private readonly geometry = ringGeometry();
  private readonly level = new InstancedBufferAttribute(new Float32Array(BARS * 2), 2);
  private readonly loop = new FrameLoop((elapsed) => this.draw(elapsed));
  private readonly observer: ResizeObserver;
  private shape: Shape = 'helix';
  private form = 0;
  private turn = 0.6;

  /** Throws where there is no WebGL. `lost`: the graphics card took it away. */
  constructor(
    private readonly settings: StageSettings,
    lost: () => void,
  ) {
    this.renderer = new WebGLRenderer({ canvas: settings.canvas, antialias: true, alpha: true });
    this.renderer.setClearAlpha(0);
    this.material = new ShaderMaterial({
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: {
        form: { value: 0 },
        turn: { value: 0 },
        away: { value: 0 },
        size: { value: new Vector4(RING_RADIUS, RING_TUBE, BAR_RADIUS, 0) },
        blue: { value: new Color() },
        violet: { value: new Color() },
        purple: { value: new Color() },
        fog: { value: new Color() },
        light: { value: 0 },
      },
    });
    this.place();
    const mesh = new Mesh(this.geometry, this.material);
    mesh.frustumCulled = false;
    this.scene.add(mesh);
    settings.canvas.addEventListener('webglcontextlost', (event) => {
      event.preventDefault();
      lost();
    });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(settings.canvas);
    this.refresh();
  }

  show(shape: Shape): void {
    this.shape = shape;
    if (this.settings.still()) this.form = shape === 'waveform' ? 1 : 0;
    this.loop.wake();
  }

  wake(): void {
    if (!this.settings.bars.flat) this.loop.wake();
  }

  refresh(): void {
    const dark = this.settings.dark();
    const palette = paletteOf(dark);
    const uniforms = this.material.uniforms;
    for (const name of ['blue', 'violet', 'purple', 'fog'] as const) {
      (uniforms[name]?.value as Color).set(palette[name]);
    }
    uniforms['light']!.value = dark ? 0 : 1;
    this.resize();
  }

  dispose(): void {
    this.loop.stop();
    this.observer.disconnect();
    this.geometry.dispose();
    this.material.dispose();
    this.renderer.dispose();
  }

  private place(): void {
    const place = new Float32Array(BARS * 3);
    const tangent = new Float32Array(BARS * 3);
    const self = new Float32Array(BARS * 4);
    for (let i = 0; i < BARS; i++) {
      const ring = ringPlace(i);
      place.set([ring.x, ring.y, ring.z], 3 * i);
      tangent.set(ring.tangent, 3 * i);
      self.set([ring.rise, ring.strand, barX(i), Math.abs(ring.rise - 0.5) * 2], 4 * i);
    }
    this.geometry.setAttribute('place', new InstancedBufferAttribute(place, 3));
    this.geometry.setAttribute('tangent', new InstancedBufferAttribute(tangent, 3));
    this.geometry.setAttribute('self', new InstancedBufferAttribute(self, 4));
    this.geometry.setAttribute('level', this.level);
    this.geometry.instanceCount = BARS;
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.settings.canvas;
    if (width === 0 || height === 0) return;
    this.renderer.setPixelRatio(Math.min(2, window.devicePixelRatio));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.loop.wake();
  }

  // Each form fits into its place, whatever the shape of that; between them the camera goes smoothly.
  private approach(): void {
    const tangent = Math.tan((this.camera.fov * Math.PI) / 360);
    const { helix, waveform } = distances(tangent, this.camera.aspect);
    const eased = this.form * this.form * (3 - 2 * this.form);
    const away = helix + (waveform - helix) * eased;
    this.camera.position.z = away;
    (this.material.uniforms['size']!.value as Vector4).w = barReach(tangent * away);
    this.material.uniforms['away']!.value = away;
  }

  private draw(elapsed: number): boolean {
    const still = this.settings.still();
    const goal = this.shape === 'waveform' ? 1 : 0;
    if (still) this.form = goal;
    else if (this.form !== goal) {
      const moved = this.form + (Math.sign(goal - this.form) * elapsed) / CHANGE_MS;
      this.form = Math.min(1, Math.max(0, moved));
    }
    // The waveform stands still; the helix turns, slower the more of it has gone.
    if (!still) this.turn += (TURN_PER_S * (1 - this.form) * elapsed) / 1000;
    this.settings.bars.step(elapsed);
    const levels = this.level.array as Float32Array;
    for (let i = 0; i < BARS; i++) {
      levels[2 * i] = this.settings.bars.heights[i]!;
      levels[2 * i + 1] = this.settings.bars.owner[i]!;
    }
    this.level.needsUpdate = true;
    this.material.uniforms['form']!.value = this.form;
    this.material.uniforms['turn']!.value = this.turn;
    this.approach();
    this.renderer.render(this.scene, this.camera);
    // A waveform that lies flat needs no frames.
    return this.form === goal && goal === 1 ? !this.settings.bars.flat : !still || this.form !== goal;
  }
}
