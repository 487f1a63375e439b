import { useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useShownScale } from '../../hooks/ui/useShownScale.js'
import BeforeAfter from '../ui/BeforeAfter.jsx'

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

/** With what it was drawn from, as large as there is room for. */
function WithBefore({ image, url, zoom }) {
  const { t } = useTranslation()
  return (
    <BeforeAfter
      before={{ url, alt: t('image.before'), label: t('image.before'), growth: image.outpaint }}
      after={{ url: image.download_url, alt: image.prompt, label: t('image.after') }}
      width={image.width}
      height={image.height}
      zoom={zoom}
    />
  )
}

/** How large the picture really is, where that is not as it is shown. */
function Scale({ image, scale }) {
  const { t } = useTranslation()
  const { width, height } = image
  const percent = Math.round(100 * scale)
  if (percent === 0 || percent === 100) return null
  return <span className="lightbox-scale">{t('lightbox.scale', { width, height, percent })}</span>
}

function Picture({ image, zoom }) {
  const pictureRef = useRef(null)
  const scale = useShownScale(pictureRef, image) * zoom.scale
  const { width, height } = image
  return (
    <>
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
      <Scale image={image} scale={scale} />
    </>
  )
}

/** The picture, as large as the stage has room for, beside `beforeUrl` where that is asked for; `children` are the buttons upon it. */
export default function LightboxPicture({ image, beforeUrl, zoom, swipe, stageRef, onClose, children }) {
  const beside = useClickBeside(() => !zoom.zoomed && onClose())
  const walk = beforeUrl ? {} : swipe // A finger moves the line then.
  return (
    <div className={`lightbox-stage ${zoom.zoomed ? 'zoomed' : ''}`} ref={stageRef} {...zoom.handlers} {...walk} {...beside}>
      {beforeUrl ? <WithBefore image={image} url={beforeUrl} zoom={zoom} /> : <Picture image={image} zoom={zoom} />}
      {children}
    </div>
  )
}
