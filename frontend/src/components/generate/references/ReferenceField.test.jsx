import { fireEvent, screen, within } from '@testing-library/react'
import { useState } from 'react'
import { describe, expect, it, vi } from 'vitest'

import { renderWith } from '../../../test/render.jsx'
import ReferenceField from './ReferenceField.jsx'

const [FOX, SKY, SEA] = ['a', 'b', 'c'].map((digit) => digit.repeat(64))
const file = (name = 'fox.png') => new File(['png'], name, { type: 'image/png' })

function Harness({ initial, onAdd, onSize, ...props }) {
  const [references, set] = useState(initial)
  const change = (patch) => ('references' in patch ? set(patch.references) : onSize(patch))
  const size = { width: 1024, height: 1024 }
  return <ReferenceField references={references} {...size} onAdd={onAdd} onChange={change} onReplace={change} {...props} />
}

function show(initial = [FOX, SKY, SEA], props = {}) {
  const calls = { onAdd: vi.fn(async () => {}), onSize: vi.fn() }
  return { ...calls, ...renderWith(<Harness initial={initial} {...calls} {...props} />, { language: props.language }) }
}

const order = () => screen.queryAllByRole('img').map(({ src }) => src.at(-1)).join('')
const button = (name) => screen.getByRole('button', { name })

describe('ReferenceField', () => {
  it('shows them in their order, by number', () => {
    show()
    expect(order()).toBe('abc')
    expect(screen.getByRole('img', { name: 'Reference 2' }).src).toContain(`/api/inputs/${SKY}`)
    expect(screen.getByText('3 of 8')).toBeInTheDocument()
    expect(screen.getByRole('group', { name: 'From reference pictures' })).toHaveAccessibleDescription(/in this order/)
  })

  it('takes several files at once', async () => {
    const { onAdd, user } = show([])
    await user.upload(screen.getByTestId('reference-file'), [file('a.png'), file('b.png')])
    expect(onAdd.mock.calls[0][0].map(({ name }) => name)).toEqual(['a.png', 'b.png'])
    expect(button('Add reference pictures')).toHaveAttribute('aria-disabled', 'false')
  })

  it('says which are on their way', () => {
    show([FOX], { arriving: ['a.png', 'b.png'] })
    expect(button('Adding a.png, b.png …')).toHaveAttribute('aria-disabled', 'true')
    expect(screen.getByRole('group', { name: 'From reference pictures' })).toHaveAttribute('aria-busy', 'true')
  })

  it('takes what is pasted into it, and keeps it from the page; text is none of its business', () => {
    const { onAdd } = show()
    const heard = vi.fn()
    window.addEventListener('paste', heard)
    fireEvent.paste(button('Add reference pictures'), { clipboardData: { files: [file()], types: ['Files'] } })
    expect(onAdd).toHaveBeenCalledOnce()
    expect(heard).not.toHaveBeenCalled()
    fireEvent.paste(button('Remove: reference 1'), { clipboardData: { files: [], types: ['text/plain'] } })
    expect(heard).toHaveBeenCalledOnce()
    window.removeEventListener('paste', heard)
  })

  it('changes their order by keyboard, keeps the focus on the one that moves, and says where it is', async () => {
    const { user } = show()
    button('Move later: reference 1').focus()
    await user.keyboard('{Enter}')
    expect(order()).toBe('bac')
    expect(button('Move later: reference 2')).toHaveFocus()
    expect(screen.getByRole('status')).toHaveTextContent('Now number 2 of 3.')
    await user.keyboard('{Enter}')
    expect(order()).toBe('bca')
    expect(button('Move later: reference 3')).toHaveFocus()
    await user.keyboard('{Enter}')
    expect(order()).toBe('bca')
    expect(button('Move earlier: reference 1')).toHaveAttribute('aria-disabled', 'true')
  })

  it('changes their order by a drag, and takes no other one for that', () => {
    show()
    const items = screen.getAllByRole('listitem')
    const dataTransfer = { types: ['application/x-zimage-reference'], setData: vi.fn() }
    fireEvent.dragStart(items[2], { dataTransfer })
    fireEvent.dragOver(items[0], { dataTransfer })
    expect(items[0]).toHaveAttribute('data-over')
    fireEvent.drop(items[0], { dataTransfer })
    expect(order()).toBe('cab')
    fireEvent.drop(screen.getAllByRole('listitem')[0], { dataTransfer: { types: ['Files'] } })
    expect(order()).toBe('cab')
  })

  it('removes one, and leaves the focus with the next, at last with the way to more', async () => {
    const { user } = show([FOX, FOX])
    await user.click(button('Remove: reference 1'))
    expect(button('Remove: reference 1')).toHaveFocus()
    await user.keyboard('{Enter}')
    expect(order()).toBe('')
    expect(button('Add reference pictures')).toHaveFocus()
  })

  it('has room for eight', () => {
    show(Array.from('01234567', (digit) => digit.repeat(64)))
    expect(screen.queryByRole('button', { name: 'Add reference pictures' })).not.toBeInTheDocument()
  })

  it('gives the picture the size of the last one', async () => {
    const { onSize, user } = show([FOX, SKY])
    const [first, last] = screen.getAllByRole('img')
    const load = (image, width, height) => {
      for (const [name, value] of Object.entries({ naturalWidth: width, naturalHeight: height })) Object.defineProperty(image, name, { value })
      fireEvent.load(image)
    }
    load(first, 400, 400)
    expect(screen.queryByRole('button', { name: /As large as the last one/ })).not.toBeInTheDocument()
    load(last, 1200, 805)
    await user.click(button('As large as the last one: 1200 × 800'))
    expect(onSize).toHaveBeenCalledExactlyOnceWith({ width: 1200, height: 800, custom_size: false })
  })

  it('says what the server refuses, and speaks Chinese', () => {
    show([FOX], { error: 'It is not here any more.', language: 'zh' })
    const group = screen.getByRole('group', { name: '参考图片' })
    expect(within(group).getByRole('alert')).toHaveTextContent('It is not here any more.')
    expect(button('移除：参考图 1')).toBeInTheDocument()
  })
})
