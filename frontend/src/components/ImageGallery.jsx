import { lazy, Suspense, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useGalleryParams } from '../hooks/useGalleryParams.js'
import { PAGE_SIZE, useHistory } from '../hooks/useHistory.js'
import { afterPaint } from '../lib/afterPaint.js'
import { clearFilters, isFiltered } from '../lib/gallery.js'
import './ImageGallery.css'
import GalleryBar from './GalleryBar.jsx'
import GalleryEmpty from './GalleryEmpty.jsx'
import GalleryPictures from './GalleryPictures.jsx'
import Pager from './Pager.jsx'
import QueryFaces from './QueryFaces.jsx'

const EndlessGallery = lazy(() => import('./EndlessGallery.jsx'))

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

/** Twenty pictures and the way to the others. */
function PagedGallery({ gallery, query, onTurn, ...pictures }) {
  return (
    <QueryFaces query={query} pending={<Placeholders />}>
      {({ images, total }) => (
        <>
          <GalleryPictures images={images} trash={gallery.trash} {...pictures} />
          <Pager page={gallery.page} pages={Math.ceil(total / PAGE_SIZE)} onChange={onTurn} />
        </>
      )}
    </QueryFaces>
  )
}

/** All pictures, by pages or in one long scroll; page and filters are in the address. */
export default function ImageGallery(pictures) {
  const { t } = useTranslation()
  const [gallery, change] = useGalleryParams()
  const query = useHistory(gallery)
  const headRef = useRef(null)
  const turn = (page) => {
    change({ page })
    afterPaint(() => headRef.current?.scrollIntoView({ block: 'start' }))
  }
  const total = query.data?.total
  const isEmpty = query.data?.images.length === 0
  return (
    <section className="panel gallery" aria-labelledby="gallery-title">
      <div className="panel-head" ref={headRef}>
        <h2 id="gallery-title">{gallery.trash ? t('gallery.trashTitle') : t('gallery.title')}</h2>
        {query.data && <span className="muted">{t('gallery.count', { count: total })}</span>}
      </div>
      <GalleryBar gallery={gallery} onChange={change} />
      {isEmpty ? (
        <GalleryEmpty
          gallery={gallery}
          onFirstPage={total > 0 ? () => turn(1) : null}
          onClear={isFiltered(gallery) ? () => change(clearFilters(gallery)) : null}
        />
      ) : (
        <Suspense fallback={<Placeholders />}>
          {gallery.view === 'scroll' && total > 0 ? (
            <EndlessGallery key={gallery.trash} gallery={gallery} total={total} {...pictures} />
          ) : (
            <PagedGallery key={gallery.trash} gallery={gallery} query={query} onTurn={turn} {...pictures} />
          )}
        </Suspense>
      )}
    </section>
  )
}
