import { lazy, Suspense, useRef, useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { PAGE_SIZE, useHistory } from '../hooks/useHistory.js'
import { usePageParam } from '../hooks/usePageParam.js'
import './ImageGallery.css'
import Icon from './Icon.jsx'
import ImageCard from './ImageCard.jsx'
import Pager from './Pager.jsx'
import QueryFaces from './QueryFaces.jsx'

const Lightbox = lazy(() => import('./Lightbox.jsx'))
const ConfirmDelete = lazy(() => import('./ConfirmDelete.jsx'))

function Empty({ onFirstPage }) {
  const { t } = useTranslation()
  return (
    <div className="gallery-empty">
      <Icon name="picture" size={32} />
      <p className="empty-title">{onFirstPage ? t('gallery.emptyPage') : t('gallery.emptyTitle')}</p>
      {onFirstPage ? (
        <Button variant="outline-secondary" size="sm" onClick={onFirstPage}>
          {t('gallery.firstPage')}
        </Button>
      ) : (
        <p>{t('gallery.emptyText')}</p>
      )}
    </div>
  )
}

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

function Grid({ images, onUseSettings }) {
  const [openId, setOpenId] = useState(null)
  const [doomed, setDoomed] = useState(null)
  const openImage = images.some(({ id }) => id === openId)
  return (
    <>
      <ul className="gallery-grid">
        {images.map((image) => (
          <ImageCard key={image.id} image={image} onOpen={setOpenId} onDelete={setDoomed} />
        ))}
      </ul>
      <Suspense>
        {openImage && (
          <Lightbox
            images={images}
            imageId={openId}
            // While a deletion is in question, the arrow keys stand still.
            onShow={(id) => !doomed && setOpenId(id)}
            onClose={() => setOpenId(null)}
            onDelete={setDoomed}
            onUseSettings={onUseSettings}
          />
        )}
        {doomed && <ConfirmDelete image={doomed} onClose={() => setDoomed(null)} />}
      </Suspense>
    </>
  )
}

/** All pictures, newest first, twenty a page; the page is in the address. */
export default function ImageGallery({ onUseSettings }) {
  const { t } = useTranslation()
  const [page, setPage] = usePageParam()
  const query = useHistory(page)
  const headRef = useRef(null)
  const turn = (next) => {
    setPage(next)
    headRef.current?.scrollIntoView({ block: 'start' })
  }
  return (
    <section className="panel gallery" aria-labelledby="gallery-title">
      <div className="panel-head" ref={headRef}>
        <h2 id="gallery-title">{t('gallery.title')}</h2>
        {query.data && <span className="muted">{t('gallery.count', { count: query.data.total })}</span>}
      </div>
      <QueryFaces query={query} pending={<Placeholders />}>
        {({ images, total }) => (
          <>
            {images.length === 0 ? (
              <Empty onFirstPage={page > 1 ? () => turn(1) : null} />
            ) : (
              <Grid images={images} onUseSettings={onUseSettings} />
            )}
            <Pager page={page} pages={Math.ceil(total / PAGE_SIZE)} onChange={turn} />
          </>
        )}
      </QueryFaces>
    </section>
  )
}
