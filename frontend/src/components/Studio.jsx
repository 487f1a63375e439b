import { lazy, memo, Suspense, useCallback, useMemo, useRef } from 'react'

import { useActiveTasks } from '../hooks/tasks/useActiveTasks.js'
import { AbilitiesContext } from '../hooks/server/useAbilities.js'
import { useModel } from '../hooks/server/useModels.js'
import { ONE_COLUMN, useFold } from '../hooks/kept/useFold.js'
import { useGenerate } from '../hooks/generate/useGenerate.js'
import { useCardDrop } from '../hooks/images/cards/useCardDrop.js'
import { useLoraUpload } from '../hooks/loras/useLoraUploads.js'
import { open } from '../hooks/ui/useOpened.js'
import { useFreshHistory } from '../hooks/images/useLatestImage.js'
import { useRoomBelow } from '../hooks/ui/useRoomBelow.js'
import { useSettings } from '../hooks/generate/useSettings.js'
import { can } from '../lib/generate/abilities.js'
import DropZone from './generate/DropZone.jsx'
import FoldButton from './page/FoldButton.jsx'
import GenerateForm from './GenerateForm.jsx'
import ImageGallery from './ImageGallery.jsx'
import LatestImage from './LatestImage.jsx'
import PanelBoundary from './ui/PanelBoundary.jsx'
import SystemMonitor from './SystemMonitor.jsx'
import TaskStatus from './TaskStatus.jsx'

const Attention = lazy(() => import('./page/Attention.jsx'))

/** What is typed into the form is none of these panels' business: a keystroke must not draw them anew. */
const Latest = memo(LatestImage)
const Tasks = memo(TaskStatus)
const Gallery = memo(ImageGallery)
const System = memo(SystemMonitor)
const Drop = memo(DropZone)

/** In one column the form fills the screen: what it started, or what fills it, is brought into view. */
function reveal(element) {
  if (window.matchMedia(ONE_COLUMN).matches) element?.scrollIntoView({ block: 'start' })
}

/** What the model of the form does with pictures; see useAbilities. */
function useAbilitiesOf(id) {
  const model = useModel(id)
  const [draws, refers] = [can(model, 'image'), can(model, 'references')]
  return useMemo(() => ({ draws, refers }), [draws, refers])
}

/** The panels, and what they tell each other. */
export default function Studio() {
  const form = useSettings()
  const { adopt, replace, sources } = form
  const { drawFrom, guideBy, refer } = sources
  const abilities = useAbilitiesOf(form.settings.model)
  const { tasks, track, forget } = useActiveTasks()
  useFreshHistory()
  const resultRef = useRef(null)
  const formRef = useRef(null)
  const sideRef = useRef(null)
  useRoomBelow(sideRef)
  const { folded, toggle, unfold } = useFold()
  const generate = useGenerate({ onSubmitted: track })

  const submit = useCallback(
    async (requests) => {
      const ids = await generate(requests)
      reveal(resultRef.current)
      return ids
    },
    [generate],
  )
  /** Takes a picture into the form: its settings, one `part` of them, or itself; as a `reference` several at a time. */
  const reuse = useCallback(
    (image, part) => {
      if (part === 'reference' || (part === 'picture' && !abilities.draws)) refer([image].flat())
      else if (part === 'picture') drawFrom(image)
      else if (part === 'control') guideBy(image)
      else adopt(image, part)
      unfold()
      reveal(formRef.current)
    },
    [abilities, adopt, drawFrom, guideBy, refer, unfold],
  )
  useCardDrop(formRef, reuse)
  const { add: sendLoras } = useLoraUpload()
  const takeLoras = useCallback(
    (files) => {
      open({ dialog: 'loras' })
      sendLoras(files)
    },
    [sendLoras],
  )

  return (
    <AbilitiesContext value={abilities}>
      <div className={`studio ${folded ? 'studio-folded' : ''}`}>
        <Suspense>{tasks.length > 0 && <Attention tasks={tasks} />}</Suspense>
        <Drop onReplace={replace} onDraw={drawFrom} onGuide={guideBy} onRefer={refer} onLoras={takeLoras} />
        <div className="studio-side" ref={sideRef}>
          <FoldButton folded={folded} controls="form" onToggle={toggle} />
          <div className="studio-form" id="form" ref={formRef}>
            <PanelBoundary>
              <GenerateForm form={form} onGenerate={submit} />
            </PanelBoundary>
          </div>
          <div className="studio-system">
            <PanelBoundary>
              <System />
            </PanelBoundary>
          </div>
        </div>
        <div className="studio-result" id="result" tabIndex={-1} ref={resultRef}>
          <PanelBoundary>
            <Latest tasks={tasks} onReuse={reuse} onVary={submit} />
          </PanelBoundary>
          <PanelBoundary>
            <Tasks tasks={tasks} onTrack={track} onReuse={reuse} onForget={forget} />
          </PanelBoundary>
          <PanelBoundary>
            <Gallery onReuse={reuse} onVary={submit} />
          </PanelBoundary>
        </div>
      </div>
    </AbilitiesContext>
  )
}
