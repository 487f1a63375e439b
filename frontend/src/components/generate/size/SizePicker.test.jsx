import { screen } from '@testing-library/react'
import { useState } from 'react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../../../test/render.jsx'
import SizePicker from './SizePicker.jsx'

function Harness({ initial, errors = {} }) {
  const [settings, setSettings] = useState({ custom_size: false, ...initial })
  return (
    <SizePicker
      settings={settings}
      errors={errors}
      onChange={(patch) => setSettings((current) => ({ ...current, ...patch }))}
    />
  )
}

const shape = (name) => screen.getByRole('radio', { name })

describe('SizePicker', () => {
  it('recognises a preset', () => {
    renderWith(<Harness initial={{ width: 1024, height: 576 }} />)
    expect(shape('16:9')).toBeChecked()
  })

  it('says what becomes of sizes that are not drawn as they are', async () => {
    renderWith(<Harness initial={{ width: 1024, height: 1024, use_gpu: true, model: 'zimage-nano' }} />)
    await screen.findByRole('option', { name: '1024 × 1024 → 512 × 512' })
    expect(screen.getByRole('option', { name: '512 × 512' })).toBeInTheDocument()
  })

  it('offers the few sizes of a model that has learned no others, and shows the one that is drawn', async () => {
    const [turbo, nano] = server.models.models
    server.models = { ...server.models, models: [turbo, { ...nano, sizes: [[256, 256], [384, 256], [256, 384]] }] }
    const { user } = renderWith(<Harness initial={{ width: 1536, height: 1024, use_gpu: true, model: 'auto' }} />)
    expect(await screen.findByText('zimage-nano has learned these sizes.')).toBeInTheDocument()
    const size = screen.getByRole('combobox', { name: 'Size' })
    expect(size).toHaveValue('384x256')
    await user.selectOptions(size, '256x384')
    expect(size).toHaveValue('256x384')
    expect(screen.queryByRole('radio')).not.toBeInTheDocument()
  })

  it('shows any other size as it is', () => {
    renderWith(<Harness initial={{ width: 1040, height: 1024 }} />)
    expect(shape('Custom')).toBeChecked()
    expect(screen.getByRole('spinbutton', { name: 'Width' })).toHaveValue('1040')
  })

  it('shows the fields of a refused preset, so that the reason has its place', () => {
    renderWith(<Harness initial={{ width: 512, height: 512 }} errors={{ width: 'Too wide.' }} />)
    expect(screen.getByRole('spinbutton', { name: 'Width' })).toHaveAccessibleDescription('Too wide.')
  })

  it('goes to custom and back, keeping the size', async () => {
    const { user } = renderWith(<Harness initial={{ width: 768, height: 768 }} />)
    await user.click(shape('Custom'))
    expect(screen.getByRole('spinbutton', { name: 'Height' })).toHaveValue('768')
    await user.click(shape('1:1'))
    expect(screen.getByRole('combobox', { name: 'Size' })).toHaveDisplayValue('768 × 768')
  })

  it('finds a preset even from an emptied field', async () => {
    const { user } = renderWith(<Harness initial={{ width: 0, height: 768, custom_size: true }} />)
    await user.click(shape('2:3'))
    expect(screen.getByRole('combobox', { name: 'Size' })).toBeInTheDocument()
  })
})
