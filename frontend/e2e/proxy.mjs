import { once } from 'node:events'
import http from 'node:http'

/** Like deploy/nginx.conf: cuts the prefix off, names Host and Origin as the studio knows them. */
function forward(request, answer, { prefix, port, site }) {
  const headers = { ...request.headers, host: `localhost:${port}`, 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'http' }
  if (headers.origin === site) headers.origin = `http://localhost:${port}`
  const path = request.url.slice(prefix.length)
  const onward = http.request({ host: '127.0.0.1', port, method: request.method, path, headers }, (response) => {
    answer.writeHead(response.statusCode, response.headers)
    response.pipe(answer)
  })
  onward.on('error', () => answer.writeHead(502).end())
  request.pipe(onward)
}

/** One site with a studio under each prefix: `studios` maps prefixes to ports. What is under none is another's. */
export class Site {
  static async create(studios, name = '127.0.0.1') {
    const site = new Site()
    site.studios = studios
    site.strays = []
    site.server = http.createServer((request, answer) => site.#answer(request, answer)).listen(0, '127.0.0.1')
    await once(site.server, 'listening')
    site.url = `http://${name}:${site.server.address().port}`
    return site
  }

  #answer(request, answer) {
    const prefix = Object.keys(this.studios).find((name) => request.url.startsWith(`${name}/`))
    if (prefix !== undefined) return forward(request, answer, { prefix, port: this.studios[prefix], site: this.url })
    this.strays.push(request.url)
    return answer.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Another site</h1>')
  }

  dispose() {
    this.server.closeAllConnections()
    this.server.close()
  }
}
