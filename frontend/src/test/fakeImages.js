import { vi } from 'vitest'

/** Lets images be loaded by hand: answers those that are being loaded, each with its `src`, `onload` and `onerror`. */
export function stubImages() {
  const loading = []
  vi.stubGlobal(
    'Image',
    class {
      constructor() {
        loading.push(this)
      }
    },
  )
  return loading
}
