/*
 * Keeps the page's own files, so that the shell opens without a server and says that there is none.
 *
 * Nothing of the API is kept: pictures and tasks are the server's. VERSION and FILES are filled in by the build.
 * A new version waits until the last tab of the old one is closed, whose files stay until then. All pages of an origin
 * share its caches: the name says which folder of the site this one is of.
 */
const FOLDER = new URL(self.registration.scope).pathname
const OWN_CACHES = `zimage ${FOLDER} `
const CACHE = `${OWN_CACHES}${'%VERSION%'}`
/** Before there were sub-paths. */
const OLD_CACHE = /^zimage-[0-9a-f]{12}$/
const FILES = '%FILES%'.split(' ').map((name) => FOLDER + name)

async function keepFiles() {
  const cache = await caches.open(CACHE)
  await cache.addAll([FOLDER, ...FILES])
}

self.addEventListener('install', (event) => event.waitUntil(keepFiles()))

function isOutdated(name) {
  return (name.startsWith(OWN_CACHES) && name !== CACHE) || (FOLDER === '/' && OLD_CACHE.test(name))
}

async function dropOldCaches() {
  const names = await caches.keys()
  await Promise.all(names.filter(isOutdated).map((name) => caches.delete(name)))
}

self.addEventListener('activate', (event) => {
  event.waitUntil(dropOldCaches().then(() => self.clients.claim()))
})

/** The page itself: the server's newest, or the kept one when there is no server. */
async function openPage(request) {
  try {
    return await fetch(request)
  } catch (error) {
    return (await caches.match(FOLDER, { cacheName: CACHE })) ?? Promise.reject(error)
  }
}

/** Files never change under their names, so the kept one is as good as any. */
async function openFile(request) {
  return (await caches.match(request, { ignoreSearch: true, cacheName: CACHE })) ?? fetch(request)
}

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (request.mode === 'navigate' && url.pathname === FOLDER) event.respondWith(openPage(request))
  else if (FILES.includes(url.pathname)) event.respondWith(openFile(request))
})
