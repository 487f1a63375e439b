import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const WORKER = fileURLToPath(new URL('sw.js', import.meta.url))
const PUBLIC = fileURLToPath(new URL('../public/', import.meta.url))

/** Writes sw.js beside the built page, with the list of its files and a version that follows their content. */
export function serviceWorker() {
  return {
    name: 'service-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const statics = readdirSync(PUBLIC)
      const files = [...Object.keys(bundle), ...statics].filter((name) => name !== 'index.html')
      const hash = createHash('sha256').update(files.join())
      for (const name of statics) hash.update(readFileSync(PUBLIC + name))
      const source = readFileSync(WORKER, 'utf8')
        .replace('%VERSION%', hash.digest('hex').slice(0, 12))
        .replace('%FILES%', files.sort().join(' '))
      this.emitFile({ type: 'asset', fileName: 'sw.js', source })
    },
  }
}
