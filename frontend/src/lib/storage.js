import { ownName } from './site.js'

/** What this browser has stored under a key, made usable by `restore`; `initial` where there is nothing. */
export function readStored(key, restore, initial) {
  try {
    const text = window.localStorage.getItem(ownName(key))
    return text === null ? initial : restore(JSON.parse(text))
  } catch {
    return initial // Storage is blocked, or holds something foreign.
  }
}

export function writeStored(key, value) {
  try {
    window.localStorage.setItem(ownName(key), JSON.stringify(value))
  } catch {
    // Full or blocked storage costs the memory of this value, nothing else.
  }
}
