import { lazy, Suspense, useDeferredValue, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useGalleryParams } from '../hooks/images/useGalleryParams.js'
import { PAGE_SIZE, useHistory } from '../hooks/images/useHistory.js'
import { useSelection } from '../hooks/images/useSelection.js'
import { useReturn } from '../hooks/images/walk/useReturn.js'
import { useOpened } from '../hooks/ui/useOpened.js'
import { usePreferences } from '../hooks/kept/usePreferences.js'
import { afterPaint } from '../lib/afterPaint.js'
import { phoneColumns } from '../lib/images/cards.js'
import { clearFilters, isFiltered } from '../lib/images/gallery.js'
import './ImageGallery.css'
import GalleryBar from './gallery/GalleryBar.jsx'
import GalleryEmpty from './gallery/GalleryEmpty.jsx'
import GalleryPictures from './gallery/GalleryPictures.jsx'
import Pager from './ui/Pager.jsx'
import QueryFaces from './ui/QueryFaces.jsx'

const EndlessGallery = lazy(() => import('./gallery/EndlessGallery.jsx'))
const PictureViewer = lazy(() => import('./PictureViewer.jsx'))
const PictureComparison = lazy(() => import('./PictureComparison.jsx'))

function Placeholders() {
  return (
    <ul className="gallery-grid" aria-hidden="true">
      {Array.from({ length: 8 }, (_, index) => (
        <li key={index} className="card-item">
          <div className="card-picture card-pending" />
        </li>
      ))}
    </ul>
  )
}

/** Names what the pictures at hand are the list of; null while they are still those of another one. */
function listOf(gallery, query) {
  return query.isPlaceholderData ? null : JSON.stringify(gallery)
}

/** Twenty pictures and the way to the others. */
function PagedGallery({ gallery, query, onTurn, ...pictures }) {
  const selection = useSelection()
  return (
    <QueryFaces query={query} pending={<Placeholders />}>
      {({ images, total }) => {
        const pages = Math.ceil(total / PAGE_SIZE)
        const turnBy = (direction) => {
          const page = gallery.page + direction
          const exists = page >= 1 && page <= pages
          if (exists) onTurn(page)
          return exists
        }
        return (
          <>
            <GalleryPictures
              images={images}
              list={listOf(gallery, query)}
              gallery={gallery}
              total={total}
              selection={selection}
              onTurn={turnBy}
              {...pictures}
            />
            {images.length > 0 && <Pager page={gallery.page} pages={pages} onChange={onTurn} />}
          </>
        )
      }}
    </QueryFaces>
  )
}

/** All pictures, by pages or in one long scroll; page, filters and what is open are in the address. */
export default function ImageGallery(pictures) {
  const { t } = useTranslation()
  const [gallery, change] = useGalleryParams()
  const query = useHistory(gallery)
  const headRef = useRef(null)
  // A large view may take its time to come and go: the click itself must not wait for it.
  const opened = useDeferredValue(useOpened())
  const seenRef = useRef(null)
  const isViewing = opened.picture !== undefined
  useReturn(seenRef, isViewing || gallery.view === 'scroll', (index) => {
    const page = Math.floor(index / PAGE_SIZE) + 1
    if (page !== gallery.page) change({ page }, { replace: true })
  })
  const [{ card_px: cardPx }] = usePreferences()
  const sizes = { '--card': `${cardPx}px`, '--phone-columns': phoneColumns(cardPx) }
  const turn = (page) => {
    change({ page })
    afterPaint(() => headRef.current?.scrollIntoView({ block: 'start' }))
  }
  const total = query.data?.total
  const isEmpty = query.data?.images.length === 0
  return (
    <section className="panel gallery" style={sizes} aria-labelledby="gallery-title">
      <div className="panel-head" ref={headRef}>
        <h2 id="gallery-title">{gallery.trash ? t('gallery.trashTitle') : t('gallery.title')}</h2>
        {query.data && <span className="muted">{t('gallery.count', { count: total })}</span>}
      </div>
      <GalleryBar gallery={gallery} onChange={change} />
      {isEmpty && (
        <GalleryEmpty
          gallery={gallery}
          onFirstPage={total > 0 ? () => turn(1) : null}
          onClear={isFiltered(gallery) ? () => change(clearFilters(gallery)) : null}
        />
      )}
      {/* Also while there is none: a picture may be open that was the last one. */}
      <Suspense fallback={<Placeholders />}>
        {gallery.view === 'scroll' && total !== undefined ? (
          <EndlessGallery
            key={gallery.trash}
            gallery={gallery}
            list={listOf(gallery, query)}
            newest={query.data.images}
            total={total}
            seenRef={seenRef}
            isViewing={isViewing}
            {...pictures}
          />
        ) : (
          <PagedGallery key={gallery.trash} gallery={gallery} query={query} onTurn={turn} {...pictures} />
        )}
      </Suspense>
      <Suspense>
        {opened.picture && <PictureViewer id={opened.picture} gallery={gallery} seenRef={seenRef} {...pictures} />}
        {opened.compare && <PictureComparison ids={opened.compare} />}
      </Suspense>
    </section>
  )
}
