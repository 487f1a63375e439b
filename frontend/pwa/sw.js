/*
 * Keeps the page's own files, so that the shell opens without a server and says that there is none.
 *
 * Nothing of the API is kept: pictures and tasks are the server's. VERSION and FILES are filled in by the build.
 * A new version waits until the last tab of the old one is closed, whose files stay until then.
 */
const CACHE = `zimage-${'%VERSION%'}`
const FILES = '%FILES%'.split(' ')

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)))
})

async function dropOldCaches() {
  const names = await caches.keys()
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)))
}

self.addEventListener('activate', (event) => {
  event.waitUntil(dropOldCaches().then(() => self.clients.claim()))
})

/** The page itself: the server's newest, or the kept one when there is no server. */
async function openPage(request) {
  try {
    return await fetch(request)
  } catch (error) {
    return (await caches.match('/')) ?? Promise.reject(error)
  }
}

/** Files never change under their names, so the kept one is as good as any. */
async function openFile(request) {
  return (await caches.match(request, { ignoreSearch: true })) ?? fetch(request)
}

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (request.mode === 'navigate' && url.pathname === '/') event.respondWith(openPage(request))
  else if (url.pathname !== '/' && FILES.includes(url.pathname)) event.respondWith(openFile(request))
})
