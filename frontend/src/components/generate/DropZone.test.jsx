import { act, fireEvent, screen, waitFor } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { AbilitiesContext } from '../../hooks/server/useAbilities.js'
import { makeImage, Refusal } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import DropZone from './DropZone.jsx'

const file = new File(['png'], 'fox.png', { type: 'image/png' })
const dataTransfer = { types: ['Files'], files: [file] }
const INVITATION = 'Use its settings'

describe('DropZone', () => {
  it('invites while a file hovers', () => {
    renderWith(<DropZone onReplace={vi.fn()} />)
    act(() => void fireEvent.dragEnter(window, { dataTransfer }))
    expect(screen.getByText(INVITATION)).toBeInTheDocument()
    act(() => void fireEvent.dragLeave(window, { dataTransfer }))
    expect(screen.queryByText(INVITATION)).not.toBeInTheDocument()
  })

  it('takes LoRAs for what they are, and pictures beside them', async () => {
    const [onReplace, onLoras] = [vi.fn(), vi.fn()]
    server.overrides['post /history/read'] = () => ({ source: 'a1111', parameters: { prompt: 'a fox', seed: 5 } })
    renderWith(<DropZone onReplace={onReplace} onLoras={onLoras} />)
    const lora = new File(['x'], 'ink.safetensors')
    act(() => void fireEvent.drop(window, { dataTransfer: { types: ['Files'], files: [lora] } }))
    expect(onLoras).toHaveBeenCalledExactlyOnceWith([lora])
    expect(server.bodiesOf('post', '/history/read')).toHaveLength(0)
    act(() => void fireEvent.drop(window, { dataTransfer: { types: ['Files'], files: [lora, file] } }))
    await waitFor(() => expect(onReplace).toHaveBeenCalledOnce())
    expect(onLoras).toHaveBeenCalledTimes(2)
  })

  it('invites what can be no picture to be a LoRA', () => {
    const onLoras = vi.fn()
    renderWith(<DropZone onReplace={vi.fn()} onLoras={onLoras} />)
    const items = [{ kind: 'file', type: '' }]
    act(() => void fireEvent.dragEnter(window, { dataTransfer: { types: ['Files'], files: [], items } }))
    expect(screen.queryByText(INVITATION)).not.toBeInTheDocument()
    const place = screen.getByText('Add as a LoRA')
    const pickle = new File(['x'], 'ink.ckpt')
    act(() => void fireEvent.drop(place, { dataTransfer: { types: ['Files'], files: [pickle], items } }))
    expect(onLoras).toHaveBeenCalledExactlyOnceWith([pickle])
  })

  it('takes what is dropped on a place of the form for what that says, and marks it', () => {
    const takes = { onDraw: vi.fn(), onGuide: vi.fn(), onRefer: vi.fn() }
    renderWith(
      <>
        <DropZone onReplace={vi.fn()} {...takes} />
        <form>
          <div data-takes="picture">source</div>
          <div data-takes="control">control</div>
          <div data-takes="reference">references</div>
        </form>
      </>,
    )
    act(() => void fireEvent.dragEnter(window, { dataTransfer }))
    fireEvent.dragOver(screen.getByText('source'), { dataTransfer })
    expect(screen.getByText('source')).toHaveAttribute('data-drop')
    fireEvent.dragOver(screen.getByText('control'), { dataTransfer })
    expect(screen.getByText('source')).not.toHaveAttribute('data-drop')
    for (const place of ['source', 'control', 'references']) act(() => void fireEvent.drop(screen.getByText(place), { dataTransfer }))
    expect(document.querySelector('[data-drop]')).toBeNull()
    expect(takes.onDraw).toHaveBeenCalledExactlyOnceWith(file)
    expect(takes.onGuide).toHaveBeenCalledExactlyOnceWith(file)
    expect(takes.onRefer).toHaveBeenCalledExactlyOnceWith([file])
    expect(server.bodiesOf('post', '/history/read')).toHaveLength(0)
  })

  it('takes a text for no picture, wherever it is dropped', async () => {
    const [onReplace, onDraw] = [vi.fn(), vi.fn()]
    renderWith(
      <>
        <DropZone onReplace={onReplace} onDraw={onDraw} />
        <div data-takes="picture">source</div>
      </>,
    )
    const text = new File(['words'], 'notes.txt', { type: 'text/plain' })
    const carried = { types: ['Files'], files: [text], items: [{ kind: 'file', type: 'text/plain' }] }
    act(() => void fireEvent.dragEnter(window, { dataTransfer: carried }))
    expect(screen.getByText('Pictures can be dropped here, and LoRAs.')).toBeInTheDocument()
    expect(screen.queryByText('Draw from it')).not.toBeInTheDocument()
    for (const place of [document.body, screen.getByText('source')]) act(() => void fireEvent.drop(place, { dataTransfer: carried }))
    expect(await screen.findAllByText('notes.txt is no picture.')).not.toHaveLength(0)
    expect(screen.queryByRole('button', { name: 'Draw from it' })).not.toBeInTheDocument()
    expect([onReplace, onDraw].flatMap(({ mock }) => mock.calls)).toEqual([])
    expect(server.bodiesOf('post', '/history/read')).toHaveLength(0)
  })

  it.each([
    ['several references', { draws: false, refers: true }, 'Use as a reference', 'Draw from it'],
    ['one picture', { draws: true, refers: false }, 'Draw from it', 'Use as a reference'],
  ])('invites what the model draws from: %s', async (_what, abilities, invited, other) => {
    const [onDraw, onRefer] = [vi.fn(), vi.fn()]
    const files = [file, new File(['png'], 'owl.png', { type: 'image/png' })]
    const { user } = renderWith(
      <AbilitiesContext value={abilities}>
        <DropZone onReplace={vi.fn()} onDraw={onDraw} onRefer={onRefer} />
      </AbilitiesContext>,
    )
    const [taking, idle, given] = abilities.refers ? [onRefer, onDraw, files] : [onDraw, onRefer, file]
    act(() => void fireEvent.dragEnter(window, { dataTransfer }))
    expect(screen.queryByText(other)).not.toBeInTheDocument()
    act(() => void fireEvent.drop(screen.getByText(invited), { dataTransfer: { types: ['Files'], files } }))
    expect(taking).toHaveBeenCalledExactlyOnceWith(given)
    // What is dropped beside it and carries no settings is offered to be that.
    act(() => void fireEvent.drop(window, { dataTransfer: { types: ['Files'], files } }))
    await user.click(await screen.findByRole('button', { name: invited }))
    expect(taking).toHaveBeenCalledTimes(2)
    expect(taking).toHaveBeenLastCalledWith(given)
    expect(idle).not.toHaveBeenCalled()
  })

  it('leaves dragged text alone', () => {
    renderWith(<DropZone onReplace={vi.fn()} />)
    act(() => void fireEvent.dragEnter(window, { dataTransfer: { types: ['text/plain'], files: [] } }))
    expect(screen.queryByText(INVITATION)).not.toBeInTheDocument()
  })

  it('reads the settings of a dropped picture', async () => {
    const onChange = vi.fn()
    server.overrides['post /history/read'] = ({ body }) => {
      expect(body.get('file').name).toBe('fox.png')
      return { source: 'a1111', parameters: { prompt: 'a fox', seed: 5, width: null, height: null } }
    }
    renderWith(<DropZone onReplace={onChange} />)
    act(() => void fireEvent.drop(window, { dataTransfer }))
    await waitFor(() => expect(onChange).toHaveBeenCalledExactlyOnceWith({ prompt: 'a fox', seed: '5', seed_locked: true }))
    expect(screen.getByRole('status')).toHaveTextContent('Settings taken from a picture of A1111.')
  })

  it('offers to add the picture to the gallery, once', async () => {
    server.overrides['post /history/read'] = () => ({ source: 'a1111', parameters: { prompt: 'a fox' } })
    const { user } = renderWith(<DropZone onReplace={vi.fn()} />)
    const drop = () => act(() => void fireEvent.drop(window, { dataTransfer }))
    drop()
    await user.click(await screen.findByRole('button', { name: 'Add to the gallery' }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Added to the gallery.'))
    expect(server.images.map(({ filename }) => filename)).toEqual(['fox.png'])
    drop()
    await user.click(await screen.findByRole('button', { name: 'Add to the gallery' }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('It is in the gallery already.'))
    expect(server.images).toHaveLength(1)
  })

  it('reads the first of many, says that the others were left, and adds them all', async () => {
    const files = ['a', 'b', 'c'].map((name) => new File(['png'], `${name}.png`, { type: 'image/png' }))
    server.overrides['post /history/read'] = ({ body }) => ({ source: 'a1111', parameters: { prompt: body.get('file').name, seed: 1 } })
    server.overrides['post /history/import'] = ({ body }) => {
      if (body.get('file').name === 'b.png') throw new Refusal(422, 'validation_error', 'No settings.')
      return server.importPicture(body.get('file'))
    }
    const onReplace = vi.fn()
    const { user } = renderWith(<DropZone onReplace={onReplace} />)
    act(() => void fireEvent.drop(window, { dataTransfer: { types: ['Files'], files } }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('The other 2 files were left.'))
    expect(onReplace).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ prompt: 'a.png' }))
    await user.click(screen.getByRole('button', { name: 'Add all 3 to the gallery' }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('2 of them are in the gallery. 1 could not be added: No settings.'))
  })

  it.each([
    ['nothing', { prompt: 'a fox', width: 512, height: 512, num_inference_steps: 9, seed: 0 }, ''],
    ['the prompt', { prompt: null, width: 512, height: 512, num_inference_steps: 9, seed: 1 }, ' No prompt was found in it.'],
    ['a blank prompt', { prompt: ' ', width: 512, height: 512, num_inference_steps: 9, seed: 1 }, ' No prompt was found in it.'],
    ['half a size, and more', { prompt: 'a fox', width: 512, height: null, seed: 1 }, ' No size or number of steps was found in it.'],
  ])('says what is missing: %s', async (_what, parameters, sentence) => {
    server.overrides['post /history/read'] = () => ({ source: 'comfyui', parameters })
    renderWith(<DropZone onReplace={vi.fn()} />)
    act(() => void fireEvent.drop(window, { dataTransfer }))
    const said = `Settings taken from a picture of ComfyUI.${sentence}`
    await waitFor(() => expect(screen.getByRole('status').textContent).toBe(said))
  })

  it('says that a picture came into the gallery without a prompt', async () => {
    server.overrides['post /history/read'] = () => ({ source: 'comfyui', parameters: { prompt: null, seed: 1 } })
    server.overrides['post /history/import'] = () => makeImage(1, { prompt: '' })
    const { user } = renderWith(<DropZone onReplace={vi.fn()} />)
    act(() => void fireEvent.drop(window, { dataTransfer }))
    await user.click(await screen.findByRole('button', { name: 'Add to the gallery' }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('No prompt was found in it.'))
  })

  const paste = (target, clipboardData) => act(() => void fireEvent.paste(target, { clipboardData }))

  it('reads a picture that is pasted, but leaves a field the text beside it', async () => {
    const onReplace = vi.fn()
    server.overrides['post /history/read'] = () => ({ source: 'a1111', parameters: { prompt: 'a fox', seed: 5 } })
    renderWith(
      <>
        <DropZone onReplace={onReplace} />
        <input aria-label="tag" />
      </>,
    )
    const both = { types: ['text/plain', 'Files'], files: [file], getData: () => 'cells' }
    paste(screen.getByLabelText('tag'), both)
    expect(server.bodiesOf('post', '/history/read')).toHaveLength(0)
    paste(document.body, both)
    await waitFor(() => expect(onReplace).toHaveBeenCalledOnce())
    paste(screen.getByLabelText('tag'), { types: ['Files'], files: [file], getData: () => '' })
    await waitFor(() => expect(onReplace).toHaveBeenCalledTimes(2))
  })

  it('offers to read the settings that a pasted text tells, once it is meant for the prompt', async () => {
    const onReplace = vi.fn()
    const { user } = renderWith(
      <>
        <DropZone onReplace={onReplace} />
        <textarea className="prompt" aria-label="prompt" />
        <input aria-label="tag" />
      </>,
    )
    const text = (words) => ({ types: ['text/plain'], files: [], getData: () => words })
    const infotext = 'a fox\nNegative prompt: text\nSteps: 20, Seed: 5, Size: 512x768'
    paste(screen.getByLabelText('tag'), text(infotext))
    paste(screen.getByLabelText('prompt'), text('a fox'))
    expect(screen.queryByRole('button', { name: 'Read its settings' })).not.toBeInTheDocument()
    paste(screen.getByLabelText('prompt'), text(infotext))
    await user.click(await screen.findByRole('button', { name: 'Read its settings' }))
    const size = { width: 512, height: 768, custom_size: false }
    const others = { num_inference_steps: 20, seed: '5', seed_locked: true }
    expect(onReplace).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ prompt: 'a fox', negative_prompt: 'text', ...size, ...others }))
  })

  it('says that a file carries nothing', async () => {
    const onChange = vi.fn()
    renderWith(<DropZone onReplace={onChange} />)
    act(() => void fireEvent.drop(window, { dataTransfer }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('This file carries no settings.'))
    expect(onChange).not.toHaveBeenCalled()
  })
})
