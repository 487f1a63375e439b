import { screen, waitFor } from '@testing-library/react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { describe, expect, it } from 'vitest'

import { addModelTexts } from '../../i18n/models.js'
import { Refusal } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import DeleteModel from './DeleteModel.jsx'

const REMOVAL = {
  files: [{ name: 'diffusion_models/tune.safetensors', size_bytes: 6.2e9 }],
  kept: [
    { name: 'vae/ae.safetensors', reason: 'shared' },
    { name: 'text_encoders/qwen.safetensors', reason: 'not_ours' },
  ],
  size_bytes: 6.2e9,
}
const button = (name) => screen.findByRole('button', { name })

/** The dialog of models brings their texts. */
function Dialog() {
  const { i18n } = useTranslation()
  useState(() => addModelTexts(i18n))
  return <DeleteModel id="tune" name="Tune" />
}

async function ask(options) {
  server.removal = REMOVAL
  const { user } = renderWith(<Dialog />, options)
  await user.click(screen.getByRole('button', { name: /Tune/ }))
  return user
}

describe('DeleteModel', () => {
  it('says first what goes and what stays, and deletes then', async () => {
    const user = await ask()
    expect(screen.getByText('Delete Tune?').parentElement).toHaveFocus()
    expect(await screen.findByText('diffusion_models/tune.safetensors')).toBeInTheDocument()
    expect(screen.getByText('vae/ae.safetensors: stays, another model uses it')).toBeInTheDocument()
    expect(screen.getByText(/stays, it was not downloaded here/)).toBeInTheDocument()
    expect(server.bodiesOf('delete', '/models/tune')).toHaveLength(0)
    await user.click(await button('Delete 6.2 GB'))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Tune is deleted.'))
    expect(server.bodiesOf('delete', '/models/tune')).toHaveLength(1)
  })

  it.each(['button', 'Escape'])('keeps it by the %s, and the focus where it was', async (means) => {
    const user = await ask()
    if (means === 'button') await user.click(await button('Keep it'))
    else await user.keyboard('{Escape}')
    await waitFor(() => expect(screen.getByRole('button', { name: 'Delete: Tune' })).toHaveFocus())
    expect(server.bodiesOf('delete', '/models/tune')).toHaveLength(0)
  })

  it.each(['get /models/tune/removal', 'delete /models/tune'])('says why it stays, on %s', async (route) => {
    server.overrides[route] = () => {
      throw new Refusal(409, 'model_in_use', 'It is in memory: free that first.')
    }
    const user = await ask()
    if (route.startsWith('delete')) await user.click(await button('Delete 6.2 GB'))
    expect(await screen.findByRole('alert')).toHaveTextContent('It is not deleted. It is in memory: free that first.')
  })

  it('says that in Chinese, too', async () => {
    server.overrides['get /models/tune/removal'] = () => {
      throw new Refusal(409, 'not_ours', 'It lies in a folder of another program.')
    }
    await ask({ language: 'zh' })
    expect(await screen.findByRole('alert')).toHaveTextContent('没有删除。 它属于其他程序，或是 Z-Image 自身的一部分。')
    expect(screen.queryByRole('button', { name: /^删除/ })).not.toBeInTheDocument()
  })
})
