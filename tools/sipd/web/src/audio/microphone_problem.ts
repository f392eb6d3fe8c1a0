// Why there is no microphone; a file of its own so that the state machine stands on nothing of the browser.
export type MicrophoneProblem = 'denied' | 'none' | 'busy' | 'insecure' | 'unsupported' | 'gone';
