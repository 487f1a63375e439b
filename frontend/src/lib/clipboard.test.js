import { afterEach, describe, expect, it, vi } from 'vitest'

import { copyPicture, copyText } from './clipboard.js'

function stand({ secure = true, clipboard } = {}) {
  vi.stubGlobal('isSecureContext', secure)
  vi.stubGlobal('ClipboardItem', class {})
  vi.stubGlobal('navigator', { clipboard })
}

afterEach(() => vi.unstubAllGlobals())

const refuse = () => Promise.reject(new Error('not allowed'))
const load = () => Promise.resolve('bytes')

describe('copyPicture', () => {
  it.each([
    ['over plain HTTP', { secure: false }, 'errors.copyInsecure'],
    ['in an old browser', { clipboard: {} }, 'errors.copyUnknown'],
    ['where it is refused', { clipboard: { write: refuse } }, 'errors.clipboard'],
    ['where it is allowed', { clipboard: { write: () => Promise.resolve() } }, null],
  ])('says why it cannot %s', async (_where, place, reason) => {
    stand(place)
    expect(await copyPicture(load)).toBe(reason)
  })

  it('fails as the server does', async () => {
    stand({ clipboard: { write: refuse } })
    await expect(copyPicture(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
  })
})

describe('copyText', () => {
  it.each([
    ['over plain HTTP, by the old command', true],
    ['nowhere, where that is refused too', false],
  ])('copies %s', async (_where, allowed) => {
    stand({ secure: false })
    const clipboardData = { setData: vi.fn() }
    document.execCommand = () => {
      if (allowed) document.dispatchEvent(Object.assign(new Event('copy', { cancelable: true }), { clipboardData }))
      return allowed
    }
    expect(await copyText('a fox')).toBe(allowed)
    if (allowed) expect(clipboardData.setData).toHaveBeenCalledExactlyOnceWith('text/plain', 'a fox')
  })
})
