// How tall each bar is. Bar heights are levels that were measured: half of a bar is how loud it is now, half how loud it
// was when the bar's piece of time was in the middle: the newest 20 ms stand there, each bar further out shows the 20 ms
// before, so syllables run from the centre to both ends. An envelope makes the middle taller.

export const BARS = 48;
const SLOTS = BARS / 2;
const RISE_MS = 18;
const FALL_MS = 55;
const FLAT = 0.004;
const NOW_SLOTS = 5; // "now" is the loudest of the last 100 ms

/** 1 in the middle, small but not nothing at the ends. */
export function envelope(bar: number): number {
  const x = (bar + 0.5 - BARS / 2) / (BARS / 2);
  return 0.14 + 0.86 * Math.cos((Math.PI / 2) * x) ** 1.6;
}

export class Bars {
  /** Height of each bar, 0 to 1. */
  readonly heights = new Float32Array(BARS);
  /** Whose sound it is: 0 the caller's, 1 the agent's. */
  readonly owner = new Float32Array(BARS);
  private readonly caller = new Float32Array(SLOTS);
  private readonly agent = new Float32Array(SLOTS);
  private callerNow = 0;
  private agentNow = 0;

  /** 20 ms of the microphone, as a height of 0 to 1. It is the clock: the history moves on by one bar. */
  pushCaller(height: number): void {
    this.callerNow = height;
    this.caller.copyWithin(1, 0);
    this.agent.copyWithin(1, 0);
    this.caller[0] = height;
    this.agent[0] = this.agentNow;
  }

  pushAgent(height: number): void {
    this.agentNow = height;
    this.agent[0] = height;
  }

  /** The agent was interrupted: what he said falls away at once, and is not let to run out. */
  cut(): void {
    this.agent.fill(0);
    this.agentNow = 0;
    for (let i = 0; i < BARS; i++) this.heights[i]! *= 1 - this.owner[i]!;
  }

  reset(): void {
    this.caller.fill(0);
    this.agent.fill(0);
    this.heights.fill(0);
    this.callerNow = 0;
    this.agentNow = 0;
  }

  /** Moves the bars towards the levels; `elapsed` in ms since the last time. */
  step(elapsed: number): void {
    const callerNow = Math.max(...this.caller.subarray(0, NOW_SLOTS));
    const agentNow = Math.max(...this.agent.subarray(0, NOW_SLOTS));
    for (let bar = 0; bar < BARS; bar++) {
      const slot = bar < SLOTS ? SLOTS - 1 - bar : bar - SLOTS;
      const caller = (callerNow + this.caller[slot]!) / 2;
      const agent = (agentNow + this.agent[slot]!) / 2;
      const target = envelope(bar) * Math.max(caller, agent);
      const height = this.heights[bar]!;
      const pace = target > height ? RISE_MS : FALL_MS;
      const moved = height + (target - height) * (1 - Math.exp(-elapsed / pace));
      this.heights[bar] = moved < FLAT && target < FLAT ? 0 : moved;
      const share = caller + agent > 0 ? agent / (caller + agent) : this.owner[bar]!;
      this.owner[bar]! += (share - this.owner[bar]!) * (1 - Math.exp(-elapsed / 60));
    }
  }

  /** Nothing to be seen, and nothing to come. */
  get flat(): boolean {
    const silent = (level: number): boolean => level === 0;
    return this.heights.every(silent) && this.caller.every(silent) && this.agent.every(silent);
  }

  /** The last levels, the tallest bar, and the loudest level that any bar stands for. */
  get levels(): { caller: number; agent: number; tallest: number; loudest: number } {
    return {
      caller: this.callerNow,
      agent: this.agentNow,
      tallest: Math.max(...this.heights),
      loudest: Math.max(this.agentNow, ...this.caller, ...this.agent),
    };
  }
}
