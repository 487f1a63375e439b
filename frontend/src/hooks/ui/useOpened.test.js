import { describe, expect, it } from 'vitest'

import { open } from './useOpened.js'

const [A, B] = ['a', 'b'].map((digit) => digit.repeat(32))

describe('open', () => {
  it('makes one step of history of a double click', () => {
    window.history.replaceState(null, '', '/?q=a%20fox')
    const before = window.history.length
    open({ picture: A })
    open({ picture: A })
    expect([window.history.length, window.location.search]).toEqual([before + 1, `?q=a+fox&picture=${A}`])
    open({ compare: [A, B] })
    expect([window.history.length, window.location.search]).toEqual([before + 2, `?q=a+fox&compare=${A},${B}`])
  })
})
