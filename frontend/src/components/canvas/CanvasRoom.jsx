import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

import { useCanvasActions } from '../../hooks/canvas/useCanvasActions.js'
import { useCanvasKeys } from '../../hooks/canvas/useCanvasKeys.js'
import { useFittedBrush } from '../../hooks/canvas/useFittedBrush.js'
import { useMaking } from '../../hooks/canvas/useMaking.js'
import { useMaskDrop } from '../../hooks/canvas/useMaskDrop.js'
import { useMaskFile } from '../../hooks/canvas/useMaskFile.js'
import { usePointers } from '../../hooks/canvas/usePointers.js'
import { useScene } from '../../hooks/canvas/useScene.js'
import { useSession } from '../../hooks/canvas/useSession.js'
import { useSay } from '../../hooks/canvas/useSay.js'
import { toHex } from '../../lib/canvas/raster/blend.js'
import Icon from '../ui/Icon.jsx'
import Notice from '../ui/Notice.jsx'
import CanvasBar from './CanvasBar.jsx'
import CanvasHead from './CanvasHead.jsx'
import CanvasPanel from './CanvasPanel.jsx'
import CanvasStage from './CanvasStage.jsx'
import ResultView from './results/ResultView.jsx'
import Tray from './results/Tray.jsx'
import './results/results.css'
import ToolBar from './ToolBar.jsx'
import ZoomBar from './ZoomBar.jsx'

/** Too low for the stage and the settings below it. */
const LOW = '(max-width: 899.98px) and (max-height: 479.98px)'

/**
 * The opened canvas: tools, stage and settings around one document, and what was drawn from it.
 *
 * `cancelRef` gets what takes back what has begun; `settle` tells all that was painted.
 */
export default function CanvasRoom({ image, doc, options, setOptions, settings, change, settle, rules, readTransparency, generation, cancelRef, isLeaving, onDone }) {
  const { t } = useTranslation()
  const [stageRef, drawRef] = [useRef(null), useRef(null)]
  const [text, say, sayLater] = useSay()
  const [isHelping, setHelping] = useState(false)
  const [isOpen, setOpen] = useState(() => !window.matchMedia(LOW).matches)
  useFittedBrush(doc.size, settings.size, change)
  const session = useSession(doc, settings)
  const state = useSyncExternalStore(doc.subscribe, doc.getState)
  const help = useCallback(() => {
    setHelping((now) => !now)
    setOpen(true) // Where the settings are folded, so are the keys.
  }, [])
  const making = useMaking({ generation, doc, settle, say })
  const { start, shown, hide } = making
  const act = useCanvasActions({ session, change, say, sayLater, onHelp: help, onGenerate: start })
  const file = useMaskFile({ doc, image, say, readTransparency })
  const { mode } = settings

  const { maskColour, maskOpacity } = settings
  const { feather } = options
  const { outpaint } = state
  // What is pulled softens the picture's edge when it is let go.
  if (!state.isGrowing) session.soft.set({ feather, outpaint })
  const { version } = session.soft
  const look = useMemo(() => ({ maskColour, maskOpacity, outpaint, version }), [maskColour, maskOpacity, outpaint, version])
  const onColour = useCallback((channels) => act.colour(toHex(channels)), [act])
  const { isLost } = useScene(drawRef, { session, url: image.url, look, onColour })
  const gestures = usePointers(stageRef, { session, onChange: change, onPen: act.met })
  useCanvasKeys(stageRef, { session, gestures, act, isCovered: shown !== null })
  const openFile = (picked) => {
    change({ mode: 'mask' })
    setOpen(true)
    file.open(picked)
  }
  const { isHovering, handlers } = useMaskDrop(openFile)
  useEffect(() => {
    cancelRef.current = () => {
      if (session.cancel()) return true
      if (shown) hide()
      else if (isHelping) help()
      return isHelping || shown !== null
    }
  }, [cancelRef, session, isHelping, help, shown, hide])

  return (
    <div className={`canvas-room ${shown ? 'canvas-covered' : ''}`} {...handlers}>
      <CanvasHead state={state} mode={mode} act={act} isHelping={isHelping} isLeaving={isLeaving} onDone={onDone} />
      <ToolBar settings={settings} onTool={act.tool}>
        <button
          type="button"
          className="canvas-tool canvas-fold"
          aria-label={t('canvas.panel')}
          aria-expanded={isOpen}
          aria-controls="canvas-panel"
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name="sliders" size={20} />
        </button>
      </ToolBar>
      <CanvasStage
        session={session}
        tool={settings.tool}
        stageRef={stageRef}
        drawRef={drawRef}
        isGrowing={mode === 'outpaint'}
        outpaint={outpaint}
        rules={rules}
        say={say}
        isCovered={shown !== null}
      >
        {shown && <ResultView image={image} result={shown} onUse={() => generation.use(shown)} onClose={hide} />}
        <Tray making={making} />
        {isLost && <Notice tone="danger">{t('canvas.lost')}</Notice>}
        {isHovering && <p className="canvas-drop">{t('canvas.drop')}</p>}
        <p className="canvas-said" role="status">
          {text}
        </p>
        {!shown && <ZoomBar view={session.view} />}
      </CanvasStage>
      {generation && <CanvasBar generation={generation} making={making} />}
      <div className={`canvas-side ${isOpen ? '' : 'canvas-side-folded'}`}>
        <CanvasPanel
          doc={doc}
          state={state}
          settings={settings}
          options={options}
          rules={rules}
          share={session.soft.share}
          isHelping={isHelping}
          file={file}
          act={act}
          say={say}
          change={change}
          setOptions={setOptions}
        />
      </div>
    </div>
  )
}
