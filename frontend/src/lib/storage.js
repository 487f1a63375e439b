import { ownName } from './site.js'

/** What the browser would not store: it lasts as long as the page. */
const unkept = new Map()

/** The text of what is stored under a key; null where there is nothing. */
export function storedText(key) {
  const name = ownName(key)
  if (unkept.has(name)) return unkept.get(name)
  try {
    return window.localStorage.getItem(name)
  } catch {
    return null // Storage is blocked.
  }
}

/** A stored text, made usable by `restore`; `initial` where there is none. */
export function restoreText(text, restore, initial) {
  try {
    return text === null ? initial : restore(JSON.parse(text))
  } catch {
    return initial // It is something foreign.
  }
}

/** What this browser has stored under a key, made usable by `restore`; `initial` where there is nothing. */
export function readStored(key, restore, initial) {
  return restoreText(storedText(key), restore, initial)
}

export function writeStored(key, value) {
  const [name, text] = [ownName(key), JSON.stringify(value)]
  try {
    window.localStorage.setItem(name, text)
    unkept.delete(name)
  } catch {
    // Full or blocked storage costs the memory of this value after a reload, nothing else.
    unkept.set(name, text)
  }
}

/** What this tab has stored under a key, else what this browser has; see readStored. */
export function readOfTab(key, restore, initial) {
  let text = null
  try {
    text = window.sessionStorage.getItem(ownName(key))
  } catch {
    // Storage is blocked.
  }
  return restoreText(text ?? storedText(key), restore, initial)
}

/** Stores a value for this tab alone. */
export function writeOfTab(key, value) {
  try {
    window.sessionStorage.setItem(ownName(key), JSON.stringify(value))
  } catch {
    // Then a reload begins with what was written last in any tab.
  }
}

/** Stores a value and tells all who show it: the browser itself tells only other tabs. */
export function shareStored(key, value) {
  writeStored(key, value)
  window.dispatchEvent(new StorageEvent('storage', { key: ownName(key) }))
}

/** Calls back when something shared has changed, here or in another tab; returns a function that ends it. */
export function onShared(callback) {
  window.addEventListener('storage', callback)
  return () => window.removeEventListener('storage', callback)
}
