// One body that is a torus and can become a capsule. A torus is a tube around a circle; press the circle flat to a
// segment and the tube around it is a rod with round ends: a bar. Each vertex carries its place on both paths, and the
// vertex shader goes from one to the other.
import { BufferAttribute, InstancedBufferGeometry } from 'three';

const AROUND = 56; // along the path
const TUBE = 12; // around the tube

/** `path`: angle on the circle; y (-1 to 1) and direction of the outside on the pressed one; angle around the tube. */
export function ringGeometry(): InstancedBufferGeometry {
  const path = new Float32Array((AROUND + 1) * (TUBE + 1) * 4);
  const index: number[] = [];
  let at = 0;
  for (let i = 0; i <= AROUND; i++) {
    const [y, outside] = pressed(i / AROUND);
    for (let j = 0; j <= TUBE; j++) {
      path[at++] = (i / AROUND) * 2 * Math.PI;
      path[at++] = y;
      path[at++] = outside;
      path[at++] = (j / TUBE) * 2 * Math.PI;
      if (i < AROUND && j < TUBE) {
        const a = i * (TUBE + 1) + j;
        const b = a + TUBE + 1;
        index.push(a, b, a + 1, b, b + 1, a + 1);
      }
    }
  }
  const geometry = new InstancedBufferGeometry();
  geometry.setIndex(index);
  geometry.setAttribute('path', new BufferAttribute(path, 4));
  // three.js asks for it; the shader does not.
  geometry.setAttribute('position', new BufferAttribute(new Float32Array((AROUND + 1) * (TUBE + 1) * 3), 3));
  return geometry;
}

// Up the right side, around the top, down the left side, around the bottom; it begins in the middle of the right side as
// the circle does, and turns as fast as the circle at the same place, so that nothing twists on the way.
function pressed(t: number): [y: number, outside: number] {
  const quarter = t * 4;
  const part = Math.floor(quarter) % 4;
  const within = quarter - Math.floor(quarter);
  const half = Math.PI / 2;
  switch (part) {
    case 0:
      return within < 0.5 ? [2 * within, 0] : [1, (2 * within - 1) * half];
    case 1:
      return within < 0.5 ? [1, half + 2 * within * half] : [1 - (2 * within - 1), Math.PI];
    case 2:
      return within < 0.5 ? [-2 * within, Math.PI] : [-1, Math.PI + (2 * within - 1) * half];
    default:
      return t >= 1 ? [0, 2 * Math.PI] : within < 0.5 ? [-1, 3 * half + 2 * within * half] : [2 * within - 2, 2 * Math.PI];
  }
}
