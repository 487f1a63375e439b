import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http from 'node:http'

const COMMIT = '0123abcd'.repeat(5)

/** A hub on the loopback with one repository: `files` maps names in it to files on this disk. */
export class Hub {
  static async create(repository, files) {
    const hub = new Hub()
    hub.repository = repository
    hub.contents = new Map()
    for (const [name, file] of Object.entries(files)) hub.contents.set(name, await readFile(file))
    hub.server = http.createServer((request, answer) => hub.#answer(request, answer)).listen(0, '127.0.0.1')
    await once(hub.server, 'listening')
    hub.url = `http://127.0.0.1:${hub.server.address().port}`
    return hub
  }

  #listing() {
    const siblings = [...this.contents].map(([rfilename, content]) => {
      const sha256 = createHash('sha256').update(content).digest('hex')
      return { rfilename, size: content.length, blobId: '0'.repeat(40), lfs: { sha256, size: content.length } }
    })
    return JSON.stringify({ sha: COMMIT, siblings })
  }

  #answer({ url }, answer) {
    if (url === `/api/models/${this.repository}/revision/main?blobs=true`) return answer.end(this.#listing())
    const content = this.contents.get(url.replace(`/${this.repository}/resolve/${COMMIT}/`, ''))
    if (!content) return answer.writeHead(404).end()
    return answer.writeHead(200, { 'content-length': content.length }).end(content)
  }

  dispose() {
    this.server.closeAllConnections()
    this.server.close()
  }
}
