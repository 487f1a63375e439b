import { renderHook } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { makeWrapper } from '../../test/render.jsx'
import { useErrorText } from './useErrorText.js'

const REFUSED = { status: 422, code: 'model_not_installed', message: 'Z-Image-Turbo is not installed.', fields: [] }

function texts(language) {
  return renderHook(() => useErrorText(), { wrapper: makeWrapper({ language }) }).result.current
}

describe('useErrorText', () => {
  it("uses the server's own sentence where it can be read", () => {
    expect(texts('en').errorText(REFUSED)).toBe(REFUSED.message)
    expect(texts('en').fieldErrorText({ field: 'width', message: 'Use 512.' })).toBe('Use 512.')
    expect(texts('en').taskErrorText({ error: 'Too large.', error_code: 'out_of_memory' })).toBe('Too large.')
  })

  it('speaks Chinese by code', () => {
    expect(texts('zh').errorText(REFUSED)).toBe('没有安装这个模型。')
    expect(texts('zh').fieldErrorText({ field: 'width', message: 'Use 512.' })).toBe('宽度没有被接受。')
    expect(texts('zh').taskErrorText({ error: 'Too large.', error_code: 'out_of_memory' })).toContain('内存不足')
  })

  it('has words for a code it does not know', () => {
    expect(texts('zh').errorText({ ...REFUSED, code: 'new' })).toBe('操作没有成功。')
    expect(texts('zh').taskErrorText({ error: 'Odd.', error_code: 'new' })).toBe('Odd.')
  })

  it('explains a server that does not answer', () => {
    expect(texts('en').errorText({ status: 0, code: 'network', message: 'Network Error' })).toMatch(/Is it running/)
  })
})
