import { describe, expect, it } from 'vitest'

import lock from '../../package-lock.json'

const packages = Object.entries(lock.packages)

describe('package-lock.json', () => {
  it('names no registry, so that any mirror serves', () => {
    expect(packages.filter(([, entry]) => entry.resolved).map(([path]) => path)).toEqual([])
  })

  it("holds the optional packages of every platform, not only of its author's", () => {
    const known = new Set(packages.map(([path]) => path.split('node_modules/').at(-1)))
    const optional = packages.flatMap(([, entry]) => Object.keys(entry.optionalDependencies ?? {}))
    expect(optional.filter((name) => !known.has(name))).toEqual([])
  })
})
