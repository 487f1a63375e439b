import { describe, expect, it } from 'vitest'

const sources = import.meta.glob(['../**/*.{js,jsx}', '!../**/*.test.{js,jsx}', '!../test/**'], {
  query: '?raw',
  import: 'default',
  eager: true,
})
const files = Object.entries(sources).map(([path, text]) => ({ path: path.slice('../'.length), text }))

const LONGEST_COMPONENT = 150
const MOST_FILES = 15
/** The one who talks HTTP. */
const CLIENT = 'services/api.js'

describe('the architecture', () => {
  it('is looked at as a whole', () => {
    expect(files.length).toBeGreaterThan(80)
  })

  it('talks HTTP in one place', () => {
    const talking = files.filter(({ text }) => /from 'axios'|\bfetch\(|XMLHttpRequest|EventSource/.test(text))
    expect(talking.map(({ path }) => path)).toEqual([CLIENT])
  })

  it('has no folder that is a drawer of everything', () => {
    const counts = {}
    for (const { path } of files) {
      const folder = path.slice(0, path.lastIndexOf('/') + 1)
      counts[folder] = (counts[folder] ?? 0) + 1
    }
    expect(Object.entries(counts).filter(([, count]) => count > MOST_FILES)).toEqual([])
  })

  it('has short components', () => {
    const long = files.filter(({ path, text }) => path.endsWith('.jsx') && text.split('\n').length > LONGEST_COMPONENT)
    expect(long.map(({ path }) => path)).toEqual([])
  })
})
