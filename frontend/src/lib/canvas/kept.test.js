import { describe, expect, it } from 'vitest'

import { NO_OUTPAINT } from './document.js'
import { forgetEdit, outdated, readEdit, writeEdit } from './kept.js'
import { keepEdit, keyOf, readKept, readKeptValue } from './value.js'

const edit = (key, savedAt, bytes = 10) => ({ key, savedAt, bytes })
const keys = (edits) => edits.map(({ key }) => key)

describe('what is kept', () => {
  it('is bounded by number and size: the oldest go, never the newest', () => {
    const edits = [edit('old', 1), edit('new', 3), edit('middle', 2)]
    expect(keys(outdated(edits, { mostEdits: 2, mostBytes: 100 }))).toEqual(['old'])
    expect(keys(outdated(edits, { mostEdits: 9, mostBytes: 25 }))).toEqual(['old'])
    expect(keys(outdated([edit('huge', 9, 1e9), ...edits], { mostEdits: 9, mostBytes: 100 }))).toEqual(['new', 'middle', 'old'])
    expect(outdated(edits)).toEqual([])
  })

  it('lasts as long as the page where the browser stores nothing', async () => {
    await writeEdit(edit('a', 1))
    expect(await readEdit('a')).toEqual(edit('a', 1))
    await forgetEdit('a')
    expect(await readEdit('a')).toBe(null)
  })
})

describe('an edit', () => {
  const image = { id: 'x', url: 'x.png', width: 40, height: 30 }
  const empty = { mask: new Uint8Array(1200), sketch: null, outpaint: NO_OUTPAINT, feather: 0, maskMode: 'whole' }

  it('comes back to the bit, and as the editor tells it', async () => {
    const mask = Uint8Array.from({ length: 1200 }, (_, at) => at % 256)
    const sketch = Uint32Array.from({ length: 1200 }, (_, at) => at * 3_000_001)
    const outpaint = { ...NO_OUTPAINT, top: 16 }
    await keepEdit(image, { mask, sketch, outpaint, feather: 7, maskMode: 'only_masked' })
    expect(await readKept(image)).toEqual({ mask, sketch, outpaint, feather: 7, maskMode: 'only_masked' })
    const value = await readKeptValue(image)
    expect([value.mask.type, value.sketch.type, value.feather]).toEqual(['image/png', 'image/png', 7])
  })

  it('without anything is forgotten', async () => {
    await keepEdit(image, { ...empty, mask: new Uint8Array(1200).fill(1) })
    expect(await readKept(image)).not.toBe(null)
    await keepEdit(image, empty)
    expect([await readKept(image), await readKeptValue(image)]).toEqual([null, null])
  })

  it('belongs to a picture and its size', async () => {
    expect(keyOf(image)).not.toBe(keyOf({ ...image, width: 41 }))
    expect(keyOf({ ...image, id: undefined })).toBe('x.png 40x30')
  })
})
