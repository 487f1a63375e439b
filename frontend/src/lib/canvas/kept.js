import { ownName } from '../site.js'

/** The edits, and beside them how old and large each is: to know that, nobody has to read their pixels. */
const [EDITS, FACTS] = ['edits', 'facts']
const VERSION = 1
/** As many pictures, and as many bytes, are remembered; the ones touched least recently go first. */
export const MOST_EDITS = 24
export const MOST_BYTES = 64 * 1024 * 1024

/** What the browser would not store: it lasts as long as the page. */
const unkept = new Map()

function answerOf(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new Error('the database is blocked'))
  })
}

async function open() {
  const request = window.indexedDB.open(ownName('zimage.canvas'), VERSION)
  request.onupgradeneeded = () => {
    for (const name of [EDITS, FACTS]) request.result.createObjectStore(name, { keyPath: 'key' })
  }
  return answerOf(request)
}

/** Runs `work` on the stores of edits and of their facts, and waits until it is on the disk. */
async function inStores(mode, work) {
  const database = await open()
  try {
    const transaction = database.transaction([EDITS, FACTS], mode)
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve
      transaction.onabort = () => reject(transaction.error)
    })
    const result = await work(transaction.objectStore(EDITS), transaction.objectStore(FACTS))
    await done
    return result
  } finally {
    database.close()
  }
}

/** Which of the kept `{key, savedAt, bytes}` have to go, so that the others are within bounds. */
export function outdated(edits, { mostEdits = MOST_EDITS, mostBytes = MOST_BYTES } = {}) {
  let bytes = 0
  const newestFirst = edits.toSorted((a, b) => b.savedAt - a.savedAt)
  return newestFirst.filter((edit, index) => {
    bytes += edit.bytes
    return index > 0 && (index >= mostEdits || bytes > mostBytes)
  })
}

/** The edit kept under a key, or null. */
export async function readEdit(key) {
  if (unkept.has(key)) return unkept.get(key)
  try {
    return (await inStores('readonly', (edits) => answerOf(edits.get(key)))) ?? null
  } catch {
    return null // Storage is blocked.
  }
}

/** Keeps `{key, savedAt, bytes, …}` and lets go of what is too much. */
export async function writeEdit(edit) {
  try {
    await inStores('readwrite', async (edits, facts) => {
      edits.put(edit)
      facts.put({ key: edit.key, savedAt: edit.savedAt, bytes: edit.bytes })
      for (const { key } of outdated(await answerOf(facts.getAll()))) {
        edits.delete(key)
        facts.delete(key)
      }
    })
    unkept.delete(edit.key)
  } catch {
    // Full or blocked storage costs the memory of this edit after a reload, nothing else.
    unkept.set(edit.key, edit)
  }
}

/** Forgets what is kept under a key. */
export async function forgetEdit(key) {
  unkept.delete(key)
  try {
    await inStores('readwrite', (edits, facts) => {
      facts.delete(key)
      return answerOf(edits.delete(key))
    })
  } catch {
    // Storage is blocked: nothing is kept there.
  }
}
