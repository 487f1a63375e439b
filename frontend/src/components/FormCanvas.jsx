import { lazy, Suspense } from 'react'

import { useHeldDialog, useNoDialog } from '../hooks/ui/useDialog.js'
import { useLatest } from '../hooks/ui/useLatest.js'
import { namesOf } from '../hooks/images/inputs/useArrivals.js'
import { open } from '../hooks/ui/useOpened.js'
import { changeEdit } from '../lib/generate/edit.js'

const SourceCanvas = lazy(() => import('./SourceCanvas.jsx'))

const DIALOG = 'canvas'

const stay = () => open({ dialog: DIALOG })

/**
 * The canvas over the picture that the form draws from, where the address opens it.
 *
 * It is not open while another picture is on its way, of which `arrivals`, those of useArrivals, tell; what it still hands
 * over of the one before is let go of then. `onSubmit` sends what the form says, with a patch of it; `problem` says why that was refused.
 */
export default function FormCanvas({ settings, arrivals, problem, onChange, onPrompt, onSubmit }) {
  const { edit, prompt } = settings
  const { isOpen, isShown, onClosed } = useHeldDialog(DIALOG)
  const latestTurn = useLatest(arrivals.turn)
  useNoDialog(DIALOG, !edit || namesOf(arrivals.arriving, 'edit').length > 0)
  if (!edit || !isShown) return null
  const editWith = (patch) => ({ edit: changeEdit(edit, patch) })
  const onEdit = (patch) => {
    if (latestTurn.current === arrivals.turn) onChange(editWith(patch))
  }
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
