import { useRef } from 'react'

import { useHeldStart } from '../../hooks/images/cards/useHeldStart.js'
import { useHold } from '../../hooks/images/cards/useHold.js'
import { useHistoryPages, SCROLL_PAGE_SIZE } from '../../hooks/images/useHistory.js'
import { useGridRows } from '../../hooks/images/useGridRows.js'
import { useSelection } from '../../hooks/images/useSelection.js'
import { useReturn } from '../../hooks/images/walk/useReturn.js'
import GalleryPictures from './GalleryPictures.jsx'
import NewPictures from './NewPictures.jsx'

function PendingCard() {
  return (
    <li className="card-item" aria-hidden="true">
      <div className="card-picture card-pending" />
    </li>
  )
}

/**
 * All pictures in one long scroll, of which only the rows in sight exist. `newest` are the first ones: while somebody is at
 * others, they wait.
 */
export default function EndlessGallery({ gallery, list, newest, total, seenRef, isViewing, ...pictures }) {
  const ref = useRef(null)
  const selection = useSelection()
  const isHeld = useHold(ref) || selection.chosen.length > 0
  const { waiting, show } = useHeldStart(newest, { list, total, isHeld })
  const { rows, pages, columns, height, scrollTo } = useGridRows(ref, total - waiting, waiting)
  const queries = useHistoryPages(gallery, pages)
  const held = new Map(pages.map((page, at) => [page, queries[at].data?.images]))
  const pictureAt = (place) => {
    const index = place + waiting
    return held.get(Math.floor(index / SCROLL_PAGE_SIZE) + 1)?.[index % SCROLL_PAGE_SIZE]
  }
  const showNew = () => {
    show()
    ref.current.scrollIntoView({ block: 'start' })
  }
  useReturn(seenRef, isViewing, scrollTo)
  const images = [...held.values()].filter(Boolean).flat()
  const inSight = rows.flatMap((row) => row.indices.map(pictureAt)).filter(Boolean)
  return (
    <>
      <NewPictures count={waiting} onShow={showNew} />
      <GalleryPictures images={images} inSight={inSight} gallery={gallery} total={total} selection={selection} {...pictures}>
        {(renderCard) => (
          <div className="endless" ref={ref} style={{ height }}>
            {rows.map(({ index, offset, indices }) => (
              <ul
                key={index}
                className="endless-row"
                style={{ transform: `translateY(${offset}px)`, gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
              >
                {indices.map((at) => {
                  const image = pictureAt(at)
                  return image ? renderCard(image) : <PendingCard key={at} />
                })}
              </ul>
            ))}
          </div>
        )}
      </GalleryPictures>
    </>
  )
}
