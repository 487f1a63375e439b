/** The folder of the page on its site: `/`, or the sub-path of a proxy. */
export function siteFolder() {
  return new URL('.', document.baseURI).pathname
}

/** A name in what all pages of an origin share, such as its storage: each studio of a site has its own. */
export function ownName(name) {
  const folder = siteFolder()
  return folder === '/' ? name : `${folder}${name}`
}
