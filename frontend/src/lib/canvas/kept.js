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

/** The opened database, while there is one: a page that is being left has no time to open it. */
let database = null

async function connect() {
  if (database) return database
  const request = window.indexedDB.open(ownName('zimage.canvas'), VERSION)
  request.onupgradeneeded = () => {
    for (const name of [EDITS, FACTS]) request.result.createObjectStore(name, { keyPath: 'key' })
  }
  database = await answerOf(request)
  const forget = () => (database = null)
  database.onclose = forget
  database.onversionchange = () => {
    database?.close()
    forget()
  }
  return database
}

function doneOf(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = resolve
    transaction.onabort = () => reject(transaction.error)
  })
}

/** Asks both stores for changes that need no answers, and waits until they are on the disk. */
async function change(work) {
  // Not awaited where it is open already: what is asked for while the page goes away is still done.
  const transaction = (database ?? (await connect())).transaction([EDITS, FACTS], 'readwrite')
  const done = doneOf(transaction)
  work(transaction.objectStore(EDITS), transaction.objectStore(FACTS))
  transaction.commit?.()
  await done
}

async function read(store, ask) {
  return answerOf(ask((await connect()).transaction(store, 'readonly').objectStore(store)))
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
    return (await read(EDITS, (edits) => edits.get(key))) ?? null
  } catch {
    return null // Storage is blocked.
  }
}

function remove(keys) {
  return change((edits, facts) => {
    for (const key of keys) {
      edits.delete(key)
      facts.delete(key)
    }
  })
}

/** Keeps `{key, savedAt, bytes, …}` and lets go of what is too much. */
export async function writeEdit(edit) {
  try {
    await change((edits, facts) => {
      edits.put(edit)
      facts.put({ key: edit.key, savedAt: edit.savedAt, bytes: edit.bytes })
    })
    unkept.delete(edit.key)
    const old = outdated(await read(FACTS, (facts) => facts.getAll()))
    if (old.length > 0) await remove(old.map(({ key }) => key))
  } catch {
    // Full or blocked storage costs the memory of this edit after a reload, nothing else.
    unkept.set(edit.key, edit)
  }
}

/** Forgets what is kept under a key. */
export async function forgetEdit(key) {
  unkept.delete(key)
  try {
    await remove([key])
  } catch {
    // Storage is blocked: nothing is kept there.
  }
}
