import { lazy, Suspense } from 'react'

import { useHeldDialog, useNoDialog } from '../hooks/ui/useDialog.js'
import { open } from '../hooks/ui/useOpened.js'
import { changeEdit } from '../lib/generate/edit.js'

const SourceCanvas = lazy(() => import('./SourceCanvas.jsx'))

const DIALOG = 'canvas'

const stay = () => open({ dialog: DIALOG })

/**
 * The canvas over the picture that the form draws from, where the address opens it.
 *
 * `onSubmit` sends what the form says, with a patch of it; `problem` says why that was refused.
 */
export default function FormCanvas({ settings, problem, onChange, onPrompt, onSubmit }) {
  const { edit, prompt } = settings
  const { isOpen, isShown, onClosed } = useHeldDialog(DIALOG)
  useNoDialog(DIALOG, !edit)
  if (!edit || !isShown) return null
  const editWith = (patch) => ({ edit: changeEdit(edit, patch) })
  const onEdit = (patch) => onChange(editWith(patch))
  const onGenerate = (patch) => {
    onEdit(patch)
    return onSubmit(editWith(patch))
  }
  return (
    <Suspense>
      <SourceCanvas
        edit={edit}
        isOpen={isOpen}
        prompt={prompt}
        problem={problem}
        onEdit={onEdit}
        onPrompt={onPrompt}
        onGenerate={onGenerate}
        onClose={onClosed}
        onStay={stay}
      />
    </Suspense>
  )
}
