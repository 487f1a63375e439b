import { useCallback, useRef, useState } from 'react'

import './App.css'
import Announcer from './components/Announcer.jsx'
import AppHeader from './components/AppHeader.jsx'
import ConnectionBanner from './components/ConnectionBanner.jsx'
import DemoBanner from './components/DemoBanner.jsx'
import GenerateForm from './components/GenerateForm.jsx'
import ImageGallery from './components/ImageGallery.jsx'
import LatestImage from './components/LatestImage.jsx'
import PanelBoundary from './components/PanelBoundary.jsx'
import SystemMonitor from './components/SystemMonitor.jsx'
import TaskStatus from './components/TaskStatus.jsx'
import { useActiveTasks } from './hooks/useActiveTasks.js'
import { useGenerate } from './hooks/useGenerate.js'
import { useSettings } from './hooks/useSettings.js'

const ONE_COLUMN = '(max-width: 899.98px)'

/** In one column the form fills the screen: what it started, or what fills it, is brought into view. */
function reveal(element) {
  if (window.matchMedia(ONE_COLUMN).matches) element?.scrollIntoView({ block: 'start' })
}

function Studio() {
  const { settings, change, reset, adopt } = useSettings()
  const { tasks, track, complete, forget } = useActiveTasks()
  const [retryError, setRetryError] = useState(null)
  const resultRef = useRef(null)
  const formRef = useRef(null)
  const { generate, isPending } = useGenerate({ onSubmitted: track })

  const submit = useCallback(
    async (request) => {
      if (await generate(request)) reveal(resultRef.current)
    },
    [generate],
  )
  const retry = useCallback(
    async (taskId, request) => {
      setRetryError(null)
      try {
        if (await generate(request)) forget(taskId)
      } catch (error) {
        setRetryError(error)
      }
    },
    [generate, forget],
  )
  const useSettingsOf = useCallback(
    (image) => {
      adopt(image)
      reveal(formRef.current)
    },
    [adopt],
  )

  return (
    <div className="studio">
      <div className="studio-side">
        <div className="studio-form" ref={formRef}>
          <PanelBoundary>
            <GenerateForm
              settings={settings}
              isPending={isPending}
              onChange={change}
              onReset={reset}
              onGenerate={submit}
            />
          </PanelBoundary>
        </div>
        <div className="studio-system">
          <PanelBoundary>
            <SystemMonitor />
          </PanelBoundary>
        </div>
      </div>
      <div className="studio-result" id="result" tabIndex={-1} ref={resultRef}>
        <PanelBoundary>
          <TaskStatus
            tasks={tasks}
            error={retryError}
            onCompleted={complete}
            onRetry={retry}
            onForget={forget}
          />
        </PanelBoundary>
        <PanelBoundary>
          <LatestImage onUseSettings={useSettingsOf} />
        </PanelBoundary>
        <PanelBoundary>
          <ImageGallery onUseSettings={useSettingsOf} />
        </PanelBoundary>
      </div>
    </div>
  )
}

export default function App() {
  return (
    <Announcer>
      <AppHeader />
      <main>
        <div className="banners">
          <ConnectionBanner />
          <PanelBoundary>
            <DemoBanner />
          </PanelBoundary>
        </div>
        <Studio />
      </main>
    </Announcer>
  )
}
