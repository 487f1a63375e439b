const STYLES = /\s*<link rel="stylesheet"[^>]*>/g
const ROOT_END = /(<div id="root">[\s\S]*?<\/header>\s*<\/div>)/

/**
 * Moves the styles of the built page behind its head, which has what it needs inline and is drawn without waiting.
 *
 * Scripts wait for styles wherever these stand: nothing is ever drawn without them but the head.
 */
export function stylesAfterHead() {
  return {
    name: 'styles-after-head',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(html) {
        const styles = html.match(STYLES) ?? []
        if (styles.length === 0 || !ROOT_END.test(html)) throw new Error('index.html has no styles, or no head to put them behind')
        return html.replace(STYLES, '').replace(ROOT_END, (root) => root + styles.join(''))
      },
    },
  }
}
