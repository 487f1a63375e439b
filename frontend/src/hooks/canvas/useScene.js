import { useEffect, useRef, useState } from 'react'

import { colourAt, loadPicture } from '../../lib/canvas/files.js'
import { fromPixel } from '../../lib/canvas/raster/blend.js'
import { Scene } from '../../lib/canvas/scene.js'

/** What lies over the picture there, else the picture's own colour. */
function colourUnder(doc, image, point) {
  const { width } = doc.size
  const sketched = doc.sketch ? fromPixel(doc.sketch[Math.floor(point.y) * width + Math.floor(point.x)] ?? 0) : [0, 0, 0, 0]
  return sketched[3] === 255 ? sketched : colourAt(image, doc.size, point)
}

function isOn({ width, height }, { x, y }) {
  return x >= 0 && y >= 0 && x < width && y < height
}

/**
 * Draws a session into the element of `ref`, in its size and in step with its view.
 *
 * `look` is what Scene.setLook takes. Answers `{isLoaded, isLost}` of the picture; `onColour(channels)` hears of picked colours.
 */
export function useScene(ref, { session, url, look, onColour }) {
  const [picture, setPicture] = useState({ url: null, isLost: false })
  const scene = useRef(null)
  useEffect(() => {
    const { view } = session
    const container = ref.current
    const drawn = new Scene(container, session)
    scene.current = drawn
    const resize = () => {
      const stage = { width: container.clientWidth, height: container.clientHeight }
      drawn.resize(stage)
      view.resize(stage)
    }
    const showGuides = () => drawn.setGuides({ ...session.guide, ring: session.ring, cursor: session.cursor })
    const showView = () => {
      drawn.setView(view.view)
      showGuides()
    }
    const endView = view.subscribe(showView)
    session.attach({ onGuide: showGuides })
    resize()
    showView()
    const observer = new ResizeObserver(resize)
    observer.observe(container)
    return () => {
      observer.disconnect()
      endView()
      session.attach({ onGuide: () => {} })
      drawn.destroy()
      scene.current = null
    }
  }, [ref, session])

  useEffect(() => {
    scene.current?.setLook(look)
  }, [look])

  useEffect(() => {
    let isWanted = true
    loadPicture(url).then(
      (image) => {
        if (!isWanted) return
        scene.current?.setPicture(image)
        setPicture({ url, isLost: false })
        session.attach({ onPick: (point) => isOn(session.doc.size, point) && onColour(colourUnder(session.doc, image, point)) })
      },
      () => isWanted && setPicture({ url, isLost: true }),
    )
    return () => {
      isWanted = false
    }
  }, [url, session, onColour])
  return { isLoaded: picture.url === url && !picture.isLost, isLost: picture.url === url && picture.isLost }
}
