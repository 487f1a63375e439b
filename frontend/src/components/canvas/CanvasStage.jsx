import { useId } from 'react'
import { useTranslation } from 'react-i18next'

import { SIDES } from '../../lib/canvas/outpaint.js'
import OutpaintHandle from './OutpaintHandle.jsx'

/** Shown by the keyboard, not by a mouse. */
function cameByKeys(element) {
  return element.matches(':focus-visible')
}

/** Where the picture lies and is painted on. `drawRef` gets what is drawn into, `stageRef` what has the focus. A result may cover it. */
export default function CanvasStage({ session, tool, stageRef, drawRef, isGrowing, outpaint, rules, say, isCovered, children }) {
  const { t } = useTranslation()
  const hint = useId()
  return (
    <div className={`canvas-stage canvas-stage-${tool}`}>
      {/* A canvas is one thing to a screen reader: its keys are its own. */}
      {/* eslint-disable jsx-a11y/no-noninteractive-tabindex */}
      <div
        role="application"
        tabIndex={0}
        className="canvas-paper"
        inert={isCovered}
        ref={stageRef}
        aria-label={t('canvas.stage')}
        aria-roledescription={t('canvas.stageRole')}
        aria-describedby={hint}
        onFocus={({ currentTarget }) => cameByKeys(currentTarget) && session.showCursor()}
      >
        <div className="canvas-draw" ref={drawRef} />
      </div>
      {/* eslint-enable jsx-a11y/no-noninteractive-tabindex */}
      <p className="visually-hidden" id={hint}>
        {t('canvas.stageHint')}
      </p>
      {isGrowing &&
        !isCovered &&
        SIDES.map((side) => (
          <OutpaintHandle key={side} side={side} doc={session.doc} view={session.view} outpaint={outpaint} rules={rules} say={say} />
        ))}
      {children}
    </div>
  )
}
