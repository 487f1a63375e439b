import ImageActions from './ImageActions.jsx'
import ImageDetails from './ImageDetails.jsx'
import Relatives from './Relatives.jsx'
import TagEditor from './TagEditor.jsx'

/** What is known of the picture that is seen in full, and what can be done with it. */
export default function LightboxInfo({ image, title, actions, isCompared, onBefore, onReuse, onCompare, onDelete }) {
  return (
    <aside className="lightbox-info">
      <div className="panel-head">
        <span className="muted">{title}</span>
      </div>
      <p className="prompt-text">{image.prompt}</p>
      <ImageDetails image={image} />
      <Relatives image={image} isCompared={isCompared} onCompare={onBefore} />
      {!image.deleted_at && <TagEditor image={image} onTag={actions.tag} />}
      <ImageActions image={image} actions={actions} onReuse={onReuse} onCompare={onCompare} onDelete={onDelete} />
    </aside>
  )
}
