// The rings and bars. Shape: `form` 0 is the helix of rings, 1 the waveform. Light: one key light, a rim, and a gradient
// from blue to purple along the helix and across the waveform; a bar leans to the colour of who made its sound.

export const VERTEX = /* glsl */ `
  attribute vec4 path;      // angle on the circle, y and outside on the pressed path, angle around the tube
  attribute vec3 place;     // of the ring on the helix
  attribute vec3 tangent;   // of its strand
  attribute vec4 self;      // rise 0..1, strand 0|1, x of the bar, when its change begins 0..1
  attribute vec2 level;     // height 0..1, owner 0..1
  uniform float form;
  uniform float turn;
  uniform vec4 size;        // ring radius, ring tube, bar radius, bar reach
  varying vec3 vNormal;
  varying vec3 vView;
  varying vec2 vRise;       // place on the gradient, owner
  varying float vForm;
  uniform float away;       // from the camera to the middle of the helix
  varying float vDepth;     // how far behind its middle

  mat3 turnY(float a) { float c = cos(a), s = sin(a); return mat3(c, 0.0, -s, 0.0, 1.0, 0.0, s, 0.0, c); }

  void main() {
    float began = clamp((form - self.w * 0.45) / 0.55, 0.0, 1.0);
    float f = began * began * (3.0 - 2.0 * began);

    // The ring's own plane: x and y in it, the strand along z.
    vec3 along = normalize(turnY(turn) * tangent);
    vec3 side = normalize(cross(vec3(0.0, 1.0, 0.0), along));
    vec3 up = cross(along, side);
    vec3 x = normalize(mix(side, vec3(1.0, 0.0, 0.0), f) + vec3(0.0, 0.0, 1e-4));
    vec3 y = normalize(mix(up, vec3(0.0, 1.0, 0.0), f));
    x = normalize(x - y * dot(x, y));
    vec3 z = cross(x, y);

    float reach = size.w * level.x * f * f * f; // a bar grows in its place, not on the way there
    float outside = mix(path.x, path.z, f);
    vec2 circle = size.x * vec2(cos(path.x), sin(path.x));
    vec2 line = mix(circle, vec2(0.0, reach * path.y), f);
    float tube = mix(size.y, size.z, f);
    vec3 normal = cos(path.w) * (cos(outside) * x + sin(outside) * y) + sin(path.w) * z;
    vec3 body = line.x * x + line.y * y + tube * normal;

    vec3 home = mix(turnY(turn) * place, vec3(self.z, 0.0, 0.0), f);
    home.z += sin(f * 3.14159) * 0.5; // a small arc on the way, so that the rings do not pass through each other
    vec4 view = viewMatrix * modelMatrix * vec4(home + body, 1.0);
    vNormal = normalize((viewMatrix * modelMatrix * vec4(normal, 0.0)).xyz);
    vView = normalize(-view.xyz);
    vRise = vec2(mix(self.x, 0.5 + self.z / 8.2, f), level.y);
    vForm = f;
    vDepth = -view.z - away;
    gl_Position = projectionMatrix * view;
  }
`;

export const FRAGMENT = /* glsl */ `
  uniform vec3 blue;
  uniform vec3 violet;
  uniform vec3 purple;
  uniform vec3 fog;
  uniform float light;      // 0 dark page, 1 light page
  varying vec3 vNormal;
  varying vec3 vView;
  varying vec2 vRise;
  varying float vForm;
  varying float vDepth;

  void main() {
    float g = clamp(vRise.x, 0.0, 1.0);
    vec3 base = g < 0.5 ? mix(blue, violet, g * 2.0) : mix(violet, purple, g * 2.0 - 1.0);
    vec3 voice = mix(blue, purple, vRise.y);
    base = mix(base, voice, vForm * 0.55);
    vec3 n = normalize(vNormal);
    vec3 v = normalize(vView);
    float key = max(dot(n, normalize(vec3(-0.45, 0.75, 0.65))), 0.0);
    float fill = max(dot(n, normalize(vec3(0.7, -0.2, 0.5))), 0.0);
    float rim = pow(1.0 - max(dot(n, v), 0.0), 2.6);
    float gloss = pow(max(dot(reflect(-normalize(vec3(-0.45, 0.75, 0.65)), n), v), 0.0), 36.0);
    vec3 colour = base * (0.48 + 0.7 * key + 0.26 * fill) + mix(base, vec3(1.0), 0.35) * rim * 0.5 + gloss * 0.4;
    colour = mix(colour, base * (0.62 + 0.5 * key + 0.15 * fill) + gloss * 0.35, light);
    // The bars are flat light: a waveform, no jewellery.
    colour = mix(colour, base * (0.86 + 0.26 * key) + gloss * 0.12, vForm);
    float far = smoothstep(-0.6, 1.6, vDepth) * (1.0 - vForm);
    colour = mix(colour, fog, far * 0.6);
    gl_FragColor = vec4(colour, 1.0);
    #include <colorspace_fragment>
  }
`;
