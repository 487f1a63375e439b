import { Buffer } from 'node:buffer'
import { inflateSync } from 'node:zlib'

import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { decodePixels, loadPicture } from '../../lib/canvas/files.js'
import { toPixel } from '../../lib/canvas/raster/blend.js'
import { forgetKept, readKeptValue } from '../../lib/canvas/value.js'
import { save } from '../../lib/images/save.js'
import { stubCanvas } from '../../test/fakeCanvas.js'
import { makeImage } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import CanvasEditor from './CanvasEditor.jsx'

vi.mock('../../lib/images/save.js', () => ({ save: vi.fn() }))
vi.mock('../../lib/canvas/files.js', () => ({ decodePixels: vi.fn(), loadPicture: vi.fn(), colourAt: () => [1, 2, 3, 255] }))

const STAGE = { width: 800, height: 600 }
/** Fitted, it is shown at its own size: the margins of the stage are 28 pixels. */
const IMAGE = { id: 'a', url: 'a.png', width: 744, height: 400 }
const toStage = ([x, y]) => ({ clientX: x + 28, clientY: y + 100 })

beforeEach(async () => {
  stubCanvas(STAGE)
  vi.mocked(loadPicture).mockResolvedValue({})
  vi.mocked(decodePixels).mockReset()
  await forgetKept(IMAGE)
})

async function open(props = {}, options) {
  const [onChange, onClose] = [vi.fn(), vi.fn()]
  vi.mocked(loadPicture).mockClear()
  const { user, unmount } = renderWith(<CanvasEditor image={IMAGE} onChange={onChange} onClose={onClose} {...props} />, options)
  const paper = await screen.findByRole('application')
  await waitFor(() => expect(loadPicture).toHaveBeenCalled()) // It listens from then on.
  const stroke = (points, more) => {
    const event = (point) => ({ pointerId: 1, pointerType: 'mouse', button: 0, buttons: 1, ...toStage(point), ...more })
    fireEvent.pointerDown(paper, event(points[0]))
    for (const point of points.slice(1)) fireEvent.pointerMove(paper, event(point))
    fireEvent.pointerUp(paper, event(points.at(-1)))
  }
  const press = (key) => user.click(screen.getByRole('button', { name: key }))
  return { user, unmount, onChange, onClose, paper, stroke, press }
}

/** The bytes of a file: jsdom's have no other way. */
function bytesOf(blob) {
  return new Promise((resolve) => {
    const reader = new FileReader()
    reader.onload = () => resolve(Buffer.from(reader.result))
    reader.readAsArrayBuffer(blob)
  })
}

/** The greys of a mask's file. */
async function greysOf(blob) {
  const bytes = await bytesOf(blob)
  expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20), bytes[24], bytes[25]]).toEqual([IMAGE.width, IMAGE.height, 8, 0])
  const start = bytes.indexOf('IDAT')
  const rows = inflateSync(bytes.subarray(start + 4, start + 4 + bytes.readUInt32BE(start - 4)))
  return (x, y) => rows[y * (IMAGE.width + 1) + 1 + x]
}

const lastTold = async (onChange) => {
  await waitFor(() => expect(onChange).toHaveBeenCalled())
  return onChange.mock.calls.at(-1)[0]
}
const said = (text) => waitFor(() => expect(screen.getAllByRole('status').at(-1)).toHaveTextContent(text))

describe('CanvasEditor', () => {
  it('tells of a mask of exactly the picture’s size after a stroke', async () => {
    const { stroke, onChange } = await open()
    stroke([[100, 100], [200, 100]])
    const value = await lastTold(onChange)
    expect(value).toMatchObject({ sketch: null, outpaint: { top: 0, right: 0, bottom: 0, left: 0 }, feather: 0, maskMode: 'whole' })
    const at = await greysOf(value.mask)
    expect([at(100, 100), at(150, 120), at(150, 126), at(250, 100)]).toEqual([255, 255, 0, 0])
  })

  it('takes back, makes again and says so', async () => {
    const { stroke, press, onChange } = await open()
    expect(screen.getByRole('button', { name: 'Undo' })).toHaveAttribute('aria-disabled', 'true')
    stroke([[100, 100]])
    await press('Undo')
    await said('Taken back: brush stroke')
    await press('Undo')
    await said('Nothing to take back')
    expect((await lastTold(onChange)).mask).toBe(null)
    await press('Redo')
    await said('Made again: brush stroke')
  })

  it('has every tool on a key and on a button', async () => {
    const { user } = await open()
    for (const [key, name] of [['e', 'Eraser'], ['l', 'Lasso'], ['r', 'Rectangle'], ['h', 'Move the picture'], ['b', 'Brush']]) {
      await user.keyboard(key)
      expect(screen.getByRole('button', { name })).toHaveAttribute('aria-pressed', 'true')
      await said(`Tool: ${name}`)
    }
    await user.keyboard('s')
    expect(screen.getByRole('button', { name: 'Pick a colour' })).toBeInTheDocument()
    await user.keyboard('o')
    expect(screen.getAllByRole('slider', { name: /^Extend/ })).toHaveLength(4)
  })

  it('paints by keys, and says what is under the cursor', async () => {
    const { user, paper, onChange } = await open()
    act(() => paper.focus())
    await user.keyboard('{Alt>}{ArrowRight}{/Alt}')
    await said('373, 200: free')
    await user.keyboard(' ')
    await user.keyboard('{Alt>}{ArrowDown}{/Alt}')
    await said('373, 201: masked')
    const at = await greysOf((await lastTold(onChange)).mask)
    expect([at(373, 200), at(400, 200)]).toEqual([255, 0])
  })

  it('takes back what has begun by Esc, and closes only then, with all told', async () => {
    const { user, stroke, press, onChange, onClose } = await open()
    stroke([[300, 300]])
    await press('Lasso')
    stroke([[100, 100]])
    await user.keyboard('{Escape}')
    expect(onClose).not.toHaveBeenCalled()
    await user.keyboard('{Escape}')
    await waitFor(() => expect(onClose).toHaveBeenCalledTimes(1))
    expect((await greysOf(onChange.mock.calls.at(-1)[0].mask))(300, 300)).toBe(255)
  })

  it('is as it was left, until it is thrown away', async () => {
    const first = await open()
    first.stroke([[300, 300]])
    await first.press('Done')
    await waitFor(() => expect(first.onClose).toHaveBeenCalled())
    expect((await greysOf((await readKeptValue(IMAGE)).mask))(300, 300)).toBe(255)

    first.unmount()
    const again = await open()
    expect((await greysOf((await lastTold(again.onChange)).mask))(300, 300)).toBe(255)
    await again.press('Throw everything away')
    await waitFor(async () => expect(await readKeptValue(IMAGE)).toBe(null))
    await again.press('Undo')
    await said('Taken back: throwing away')
    await waitFor(() => expect(again.onChange.mock.calls.at(-1)[0].mask).not.toBe(null))
    expect((await greysOf(again.onChange.mock.calls.at(-1)[0].mask))(300, 300)).toBe(255)
  })

  it('shows the value that it is given', async () => {
    const pixels = new Uint32Array(IMAGE.width * IMAGE.height).fill(toPixel([255, 255, 255]))
    vi.mocked(decodePixels).mockResolvedValue({ width: IMAGE.width, height: IMAGE.height, pixels })
    const value = { mask: new Blob(['x']), sketch: null, outpaint: {}, feather: 12, maskMode: 'only_masked' }
    await open({ value })
    expect(screen.getByText('100% of the picture will be drawn anew.')).toBeInTheDocument()
    expect(screen.getByRole('slider', { name: 'Soft edge' })).toHaveValue('12')
    expect(screen.getByRole('button', { name: 'Only the mask' })).toHaveAttribute('aria-pressed', 'true')
  })

  it('has no choice of what is drawn while the picture grows, and says so', async () => {
    const value = { mask: null, sketch: null, outpaint: { left: 64 }, feather: 12, maskMode: 'only_masked' }
    const { press } = await open({ value })
    expect(screen.getByText('While the picture is extended, all of it is drawn.')).toBeInTheDocument()
    await press('Only the mask')
    expect(screen.getByRole('button', { name: 'Whole picture' })).toHaveAttribute('aria-pressed', 'true')
  })

  it('brings a mask of the same shape to the picture’s size', async () => {
    const [width, height] = [IMAGE.width / 2, IMAGE.height / 2]
    const pixels = Uint32Array.from({ length: width * height }, (_, at) => toPixel(at % width < width / 2 ? [255, 255, 255] : [0, 0, 0]))
    vi.mocked(decodePixels).mockResolvedValue({ width, height, pixels })
    await open({ value: { mask: new Blob(['x']) } })
    expect(screen.getByText('50% of the picture will be drawn anew.')).toBeInTheDocument()
  })

  it('masks what is sketched, and warns of paint that would stay', async () => {
    const { user, stroke, press, onChange } = await open()
    stroke([[100, 100]])
    await user.keyboard('s')
    expect(screen.queryByRole('button', { name: 'Mask what is sketched' })).toBe(null)
    stroke([[300, 300]])
    expect(await screen.findByText(/stays in the result as raw paint/)).toBeInTheDocument()
    await press('Mask what is sketched')
    await said('What is sketched is masked')
    expect(screen.queryByText(/raw paint/)).toBe(null)
    await waitFor(async () => expect((await greysOf(onChange.mock.calls.at(-1)[0].mask))(300, 330)).toBe(255))
    expect((await greysOf(onChange.mock.calls.at(-1)[0].mask))(300, 345)).toBe(0)
  })

  it('counts the soft edge into what is drawn anew', async () => {
    const { stroke } = await open({ value: { mask: null, sketch: null, outpaint: {}, feather: 0, maskMode: 'whole' } })
    stroke([[300, 200]])
    expect(await screen.findByText('0.61% of the picture will be drawn anew.')).toBeInTheDocument()
    fireEvent.change(screen.getByRole('slider', { name: 'Soft edge' }), { target: { value: '64' } })
    expect(await screen.findByText(/^[45]% of the picture/)).toBeInTheDocument()
  })

  it('fades farther into the picture where that grows, by a slider beside the sides', async () => {
    const { user, press, onChange } = await open({ value: { mask: null, sketch: null, outpaint: {}, feather: 16, maskMode: 'whole' } })
    await press('Extend')
    expect(screen.getByRole('slider', { name: 'Soft edge' })).toHaveValue('16')
    act(() => screen.getByRole('slider', { name: 'Extend on the left' }).focus())
    await user.keyboard('{PageUp}')
    await waitFor(() => expect(screen.getByRole('slider', { name: 'Soft edge' })).toHaveValue('32'))
    await waitFor(() => expect(onChange.mock.calls.at(-1)?.[0]).toMatchObject({ feather: 32, outpaint: { left: 128 } }))
    await press('Undo')
    await waitFor(() => expect(screen.getByRole('slider', { name: 'Soft edge' })).toHaveValue('16'))
  })

  it('comes to the sketch with a brush, not with the eraser', async () => {
    const { user } = await open()
    await user.keyboard('es')
    expect(screen.getByRole('button', { name: 'Brush' })).toHaveAttribute('aria-pressed', 'true')
  })

  it('lets a mask grow and shrink, and warns of loose paint beside the sides, too', async () => {
    const { user, stroke, press, onChange } = await open()
    stroke([[100, 100]])
    await press('Grow 3 px')
    await said('The mask has grown')
    await waitFor(async () => expect((await greysOf(onChange.mock.calls.at(-1)[0].mask))(100, 126)).toBe(255))
    await press('Shrink 3 px')
    await waitFor(async () => expect((await greysOf(onChange.mock.calls.at(-1)[0].mask))(100, 126)).toBe(0))
    await press('Clear')
    await user.keyboard('s')
    stroke([[300, 300]])
    await user.keyboard('o')
    expect(screen.queryByText(/raw paint/)).toBe(null)
    act(() => screen.getByRole('slider', { name: 'Extend on the left' }).focus())
    await user.keyboard('{ArrowLeft}')
    expect(screen.getByText(/raw paint/)).toBeInTheDocument()
  })

  it('saves the mask under the name of the gallery’s picture', async () => {
    const id = 'e'.repeat(64)
    server.overrides['get /history'] = ({ params }) => ({ images: params.pixel_hash === id ? [makeImage(1, { filename: 'fox.png' })] : [], total: 1 })
    const { stroke, press } = await open({ image: { ...IMAGE, id } })
    stroke([[100, 100]])
    fireEvent.change(screen.getByRole('slider', { name: 'Soft edge' }), { target: { value: '20' } })
    await press('Save')
    await waitFor(() => expect(save).toHaveBeenLastCalledWith(expect.any(Blob), 'fox-mask.png'))
    await press('Save with the soft edge')
    await waitFor(() => expect(save).toHaveBeenLastCalledWith(expect.any(Blob), 'fox-mask-soft.png'))
  })

  it('saves the mask of a picture without a name', async () => {
    const { stroke, press } = await open()
    stroke([[100, 100]])
    await press('Save')
    await waitFor(() => expect(save).toHaveBeenLastCalledWith(expect.any(Blob), 'picture-mask.png'))
  })

  it('has one control that opens a mask', async () => {
    await open()
    expect(screen.getAllByRole('button', { name: 'Open a mask' })).toHaveLength(1)
    expect(screen.getByLabelText('Open a mask', { selector: 'input' })).not.toBeVisible()
  })

  it('refuses a value of another size, and says why', async () => {
    vi.mocked(decodePixels).mockResolvedValue({ width: 8, height: 8, pixels: new Uint32Array(64) })
    renderWith(<CanvasEditor image={IMAGE} value={{ mask: new Blob(['x']) }} onClose={() => {}} />)
    expect(await screen.findByText(/744 × 400 pixels, its layer 8 × 8/)).toBeInTheDocument()
  })

  it('says when the picture cannot be loaded', async () => {
    vi.mocked(loadPicture).mockRejectedValue(new Error('gone'))
    await open()
    expect(await screen.findByText('The picture could not be loaded.')).toBeInTheDocument()
  })

  it('keeps the soft edge out of the mask, and tells its width', async () => {
    const { stroke, onChange } = await open()
    stroke([[100, 100]])
    fireEvent.change(screen.getByRole('slider', { name: 'Soft edge' }), { target: { value: '20' } })
    await waitFor(() => expect(onChange.mock.calls.at(-1)?.[0]).toMatchObject({ feather: 20, mask: expect.any(Blob) }))
    const at = await greysOf(onChange.mock.calls.at(-1)[0].mask)
    expect(new Set([at(100, 100), at(100, 123), at(100, 125)])).toEqual(new Set([255, 0]))
    expect(screen.getByRole('button', { name: 'Save with the soft edge' })).toBeInTheDocument()
  })

  it('asks how a dropped mask of another size fits, and moves the focus there', async () => {
    const { press, onChange, paper } = await open()
    vi.mocked(decodePixels).mockResolvedValue({ width: 2, height: 1, pixels: Uint32Array.of(toPixel([255, 255, 255]), toPixel([0, 0, 0])) })
    const file = new File(['x'], 'half.png', { type: 'image/png' })
    const heard = vi.fn()
    window.addEventListener('drop', heard)
    fireEvent.drop(paper, { dataTransfer: { types: ['Files'], files: [file] } })
    const offer = await screen.findByRole('region', { name: 'Mask from half.png' })
    expect(within(offer).getByRole('heading')).toHaveFocus()
    expect(offer).toHaveTextContent('It has 2 × 1 pixels, the picture 744 × 400')
    expect(heard).not.toHaveBeenCalled() // The page behind it takes dropped pictures, too.
    window.removeEventListener('drop', heard)
    await press('Use as mask')
    const at = await greysOf((await lastTold(onChange)).mask)
    expect([at(0, 0), at(371, 399), at(372, 0)]).toEqual([255, 255, 0])
  })

  it('refuses a file that is no picture', async () => {
    const { user } = await open()
    vi.mocked(decodePixels).mockRejectedValue(new Error('no'))
    await user.upload(screen.getByLabelText('Open a mask', { selector: 'input' }), new File(['x'], 'a.png', { type: 'image/png' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('a.png is no picture that this browser can read. PNG, JPEG and WebP')
  })

  it('extends by keys and numbers, in whole steps up to the most', async () => {
    const { user, press, onChange } = await open({ outpaintStep: 32, mostSide: 1024 })
    await press('Extend')
    const handle = screen.getByRole('slider', { name: 'Extend on the left' })
    expect(handle).toHaveAttribute('aria-valuemax', '256')
    act(() => handle.focus())
    await user.keyboard('{ArrowLeft}{ArrowLeft}{ArrowRight}')
    const right = screen.getByRole('spinbutton', { name: 'Extend on the right' })
    await user.clear(right)
    await user.type(right, '999{Enter}')
    expect(right).toHaveValue('224')
    await said('Right: 224 px. Allowed are multiples of 32 up to 224.')
    await waitFor(() => expect(onChange.mock.calls.at(-1)?.[0].outpaint).toEqual({ top: 0, right: 224, bottom: 0, left: 32 }))
    expect(screen.getByText('The new picture: 1000 × 400')).toBeInTheDocument()
  })

  it('keeps its tools for the next picture', async () => {
    const first = await open()
    await first.press('Lasso')
    await first.press('Done')
    await waitFor(() => expect(first.onClose).toHaveBeenCalled())
    first.unmount()
    await open({ image: { ...IMAGE, id: 'b' } })
    expect(screen.getByRole('button', { name: 'Lasso' })).toHaveAttribute('aria-pressed', 'true')
  })

  it('takes a colour from the picture', async () => {
    const { user, stroke } = await open()
    await user.keyboard('si')
    stroke([[100, 100]])
    await said('Colour #010203')
    expect(screen.getByLabelText('Colour')).toHaveValue('#010203')
  })

  it('shows its keys, and closes them first by Esc', async () => {
    const { user, onClose } = await open()
    await user.keyboard('?')
    expect(screen.getByRole('region', { name: 'Keys' })).toHaveTextContent('Ctrl+Z')
    await user.keyboard('{Escape}')
    expect(screen.queryByRole('region', { name: 'Keys' })).toBe(null)
    expect(onClose).not.toHaveBeenCalled()
  })

  it('tells the same file as long as its layer is the same', async () => {
    const { stroke, onChange } = await open()
    stroke([[100, 100]])
    const { mask } = await lastTold(onChange)
    fireEvent.change(screen.getByRole('slider', { name: 'Soft edge' }), { target: { value: '20' } })
    await waitFor(() => expect(onChange.mock.calls.at(-1)[0].feather).toBe(20))
    expect(onChange.mock.calls.at(-1)[0].mask).toBe(mask)
    stroke([[200, 200]])
    await waitFor(() => expect(onChange.mock.calls.at(-1)[0].mask).not.toBe(mask))
  })

  it('reads what is painted or what is transparent out of a mask with alpha, as is chosen', async () => {
    const { user, press, onChange } = await open()
    const pixels = Uint32Array.from({ length: IMAGE.width * IMAGE.height }, (_, at) => toPixel([9, 9, 9, at < 10 ? 255 : 0]))
    vi.mocked(decodePixels).mockResolvedValue({ width: IMAGE.width, height: IMAGE.height, pixels })
    await user.upload(screen.getByLabelText('Open a mask', { selector: 'input' }), new File(['x'], 'hole.png', { type: 'image/png' }))
    await screen.findByRole('region', { name: 'Mask from hole.png' })
    expect(screen.getByRole('button', { name: 'Painted' })).toHaveAttribute('aria-pressed', 'true')
    expect(screen.queryByRole('button', { name: 'Stretch' })).toBe(null)
    await press('Transparent')
    await press('Use as mask')
    const at = await greysOf((await lastTold(onChange)).mask)
    expect([at(9, 0), at(10, 0)]).toEqual([0, 255])
  })

  it('speaks Chinese', async () => {
    await open({}, { language: 'zh' })
    expect(screen.getByRole('dialog', { name: '在画布上编辑' })).toBeInTheDocument()
    expect(screen.getByRole('button', { name: '套索' })).toBeInTheDocument()
  })

  it('takes what is transparent in the picture for the mask, and back again', async () => {
    const pixels = new Uint32Array(IMAGE.width * IMAGE.height).fill(toPixel([0, 0, 0]))
    pixels[5] = toPixel([255, 255, 255])
    vi.mocked(decodePixels).mockResolvedValue({ width: IMAGE.width, height: IMAGE.height, pixels })
    const { press, onChange } = await open({ readTransparency: async () => new Blob() })
    await press('Mask from its transparency')
    await said('What is transparent is the mask.')
    const grey = await greysOf((await lastTold(onChange)).mask)
    expect([grey(4, 0), grey(5, 0), grey(6, 0)]).toEqual([0, 255, 0])
    await press('Undo')
    await waitFor(() => expect(onChange.mock.lastCall[0].mask).toBeNull())
  })

  it('offers no mask of an opaque picture', async () => {
    await open()
    expect(screen.queryByRole('button', { name: 'Mask from its transparency' })).not.toBeInTheDocument()
  })
})
