import { useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useShownScale } from '../../hooks/ui/useShownScale.js'

/** From this scale on one looks at pixels, and not at a picture. */
const CRISP = 4

/** Calls back when the stage itself is clicked, beside the picture: not at the end of a drag, nor by a second click. */
function useClickBeside(onClick) {
  const pressed = useRef(null)
  return {
    onPointerDownCapture: ({ target }) => (pressed.current = target),
    onClick: ({ target, currentTarget, detail }) => {
      if (target === currentTarget && pressed.current === currentTarget && detail < 2) onClick()
    },
  }
}

/** The picture, as large as the stage has room for, and how large it really is; `children` are the buttons upon it. */
export default function LightboxPicture({ image, zoom, swipe, stageRef, onClose, children }) {
  const { t } = useTranslation()
  const pictureRef = useRef(null)
  const beside = useClickBeside(() => !zoom.zoomed && onClose())
  const scale = useShownScale(pictureRef, image) * zoom.scale
  const percent = Math.round(100 * scale)
  const { width, height } = image
  return (
    <div className={`lightbox-stage ${zoom.zoomed ? 'zoomed' : ''}`} ref={stageRef} {...zoom.handlers} {...swipe} {...beside}>
      <img
        key={image.id}
        ref={pictureRef}
        src={image.download_url}
        width={width}
        height={height}
        alt={image.prompt}
        className={scale >= CRISP ? 'crisp' : undefined}
        style={{ ...zoom.style, '--ratio': width / height }}
        draggable={!zoom.zoomed}
      />
      {percent > 0 && percent !== 100 && <span className="lightbox-scale">{t('lightbox.scale', { width, height, percent })}</span>}
      {children}
    </div>
  )
}
