/** Two soft notes, the second a fifth higher: in Hz and seconds. */
const NOTES = [
  [659, 0],
  [988, 0.16],
]
const LENGTH_S = 0.9
const LOUDNESS = 0.18

/** Plays the sound of a finished picture; silent where the browser lets a page make none. */
export async function playChime() {
  try {
    const context = new AudioContext()
    await context.resume()
    for (const [frequency, delay] of NOTES) {
      const [tone, volume, start] = [context.createOscillator(), context.createGain(), context.currentTime + delay]
      tone.frequency.value = frequency
      volume.gain.setValueAtTime(LOUDNESS, start)
      volume.gain.exponentialRampToValueAtTime(0.001, start + LENGTH_S)
      tone.connect(volume).connect(context.destination)
      tone.start(start)
      tone.stop(start + LENGTH_S)
    }
    setTimeout(() => context.close(), 2000 * LENGTH_S)
  } catch {
    // No sound device, or no sound before a first click.
  }
}
