import { describe, expect, it } from 'vitest'

const sources = import.meta.glob(['../**/*.{js,jsx}', '!../**/*.test.{js,jsx}', '!../test/**'], {
  query: '?raw',
  import: 'default',
  eager: true,
})
const files = Object.entries(sources).map(([path, text]) => ({ path: path.slice('../'.length), text }))

/** Imports go downwards only: a layer may use itself and those after it. */
const LAYERS = ['components', 'hooks', 'services', 'lib']
const layerOf = (path) => LAYERS.findIndex((layer) => path.startsWith(`${layer}/`))
const LONGEST_COMPONENT = 150
/** The one who talks HTTP. */
const CLIENT = 'services/api.js'

function importsOf({ path, text }) {
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier)
  const relative = specifiers.filter((specifier) => specifier.startsWith('.'))
  return relative.map((specifier) => new URL(specifier, `https://src/${path}`).pathname.slice(1))
}

describe('the architecture', () => {
  it('is looked at as a whole', () => {
    expect(files.length).toBeGreaterThan(80)
    expect(files.flatMap(importsOf).length).toBeGreaterThan(200)
  })

  it('has imports that only go downwards', () => {
    const upwards = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => layerOf(target) >= 0 && layerOf(target) < layerOf(file.path))
        .map((target) => `${file.path} → ${target}`),
    )
    expect(upwards).toEqual([])
  })

  it('lets components reach the server through hooks alone', () => {
    const components = files.filter(({ path }) => path.startsWith('components/'))
    const reaching = components.filter((file) => importsOf(file).some((target) => target.startsWith('services/')))
    expect(reaching.map(({ path }) => path)).toEqual([])
  })

  it('talks HTTP in one place', () => {
    const talking = files.filter(({ text }) => /from 'axios'|\bfetch\(|XMLHttpRequest|EventSource/.test(text))
    expect(talking.map(({ path }) => path)).toEqual([CLIENT])
  })

  it('has short components', () => {
    const long = files.filter(({ path, text }) => path.endsWith('.jsx') && text.split('\n').length > LONGEST_COMPONENT)
    expect(long.map(({ path }) => path)).toEqual([])
  })
})
