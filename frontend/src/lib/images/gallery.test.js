import { describe, expect, it } from 'vitest'

import { changeGallery, clearFilters, GALLERY_DEFAULTS, isFiltered, parseGallery, toHistoryQuery, writeGallery } from './gallery.js'

describe('the address of the gallery', () => {
  it('is read back as it was written', () => {
    const gallery = {
      page: 3,
      q: '红 & blue?',
      favourite: true,
      tag: 'best',
      model: 'zimage-nano',
      from: '2026-01-02',
      to: '2026-02-03',
      sort: 'oldest',
      trash: true,
      view: 'scroll',
    }
    expect(parseGallery(writeGallery('', gallery))).toEqual(gallery)
  })

  it('holds nothing but what differs, and leaves foreign entries alone', () => {
    expect(writeGallery('?page=3&foreign=1', GALLERY_DEFAULTS)).toBe('foreign=1')
  })

  it.each(['page=0', 'page=-1', 'page=x', 'page=1e9', 'sort=up', 'view=', 'from=yesterday', 'favourite=yes', 'from=2026-99-99', 'to=2026-02-30', 'from=0000-01-01', 'to=20260101', 'from=2026-1-1',
    'sort=__proto__', 'sort=constructor', 'page=%E2%80%8B1', 'page=99999999999999999999', 'page=1.5', 'trash=true', 'toString=1',
    'page=x&page=2', '%=1&=2&&&', 'q=', 'from=%zz'])(
    'makes defaults of %j',
    (search) => expect(parseGallery(search)).toEqual(GALLERY_DEFAULTS),
  )
})

describe('an address that goes too far', () => {
  it('is cut to what the server takes, and never within a character', () => {
    const long = '🦊'.repeat(300)
    const gallery = parseGallery(new URLSearchParams({ q: `x${long}`, tag: long, model: long }))
    expect(['q', 'tag', 'model'].map((key) => [...gallery[key]].length)).toEqual([200, 50, 100])
    expect(() => encodeURIComponent(JSON.stringify(gallery))).not.toThrow()
  })

  it.each(['0001-01-01', '9999-12-31', '2024-02-29'])('names a moment that the server can tell for %s', (day) => {
    const { from, to } = toHistoryQuery({ ...GALLERY_DEFAULTS, from: day, to: day })
    for (const moment of [from, to]) expect(moment).toMatch(/^\d{4}-\d{2}-\d{2}T[\d:.]{12}Z$/)
  })

  it('takes the first of several, as any other', () => expect(parseGallery('page=2&page=3').page).toBe(2))
})

describe('toHistoryQuery', () => {
  it('says nothing by default', () => expect(toHistoryQuery(GALLERY_DEFAULTS)).toEqual({}))

  it('names the filters of the API', () => {
    const gallery = { ...GALLERY_DEFAULTS, q: ' fox ', favourite: true, sort: 'oldest', from: '2026-01-02', to: '2026-01-02' }
    const { from, to, ...rest } = toHistoryQuery(gallery)
    expect(rest).toEqual({ q: 'fox', favourite: true, sort: 'oldest' })
    expect(new Date(to) - new Date(from)).toBe(24 * 3600 * 1000 - 1)
  })
})

describe('changeGallery', () => {
  it('goes to the first page of another list', () => {
    expect(changeGallery({ ...GALLERY_DEFAULTS, page: 4 }, { q: 'fox' })).toMatchObject({ page: 1, q: 'fox' })
  })

  it('goes to a page that is asked for', () => expect(changeGallery(GALLERY_DEFAULTS, { page: 2 }).page).toBe(2))

  it('clears the filters and nothing else', () => {
    const filtered = { ...GALLERY_DEFAULTS, q: 'fox', trash: true, view: 'scroll' }
    expect(isFiltered(filtered)).toBe(true)
    expect(clearFilters(filtered)).toEqual({ ...GALLERY_DEFAULTS, trash: true, view: 'scroll' })
  })
})
