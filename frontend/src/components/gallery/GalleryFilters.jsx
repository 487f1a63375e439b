import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useModels } from '../../hooks/server/useModels.js'
import TagFilter from './TagFilter.jsx'

function Choice({ label, value, options, onChange }) {
  return (
    <Form.Select size="sm" aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      {options.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </Form.Select>
  )
}

function Day({ label, value, onChange }) {
  return (
    <label className="filter-day">
      <span className="muted">{label}</span>
      <Form.Control size="sm" type="date" value={value} onChange={(event) => onChange(event.target.value)} />
    </label>
  )
}

/** The filters that are needed now and then: model, days, order, tag. */
export default function GalleryFilters({ gallery, onChange }) {
  const { t } = useTranslation()
  const { data } = useModels()
  const models = (data?.models ?? []).map(({ id, name }) => [id, name])
  const isUnknown = gallery.model && !models.some(([id]) => id === gallery.model)
  const set = (key) => (value) => onChange({ [key]: value })
  return (
    <div className="gallery-filters">
      <Choice
        label={t('filter.model')}
        value={gallery.model}
        options={[['', t('filter.anyModel')], ...models, ...(isUnknown ? [[gallery.model, gallery.model]] : [])]}
        onChange={set('model')}
      />
      <Choice
        label={t('filter.sort')}
        value={gallery.sort}
        options={[
          ['newest', t('filter.newest')],
          ['oldest', t('filter.oldest')],
        ]}
        onChange={set('sort')}
      />
      <TagFilter value={gallery.tag} onChange={set('tag')} />
      <Day label={t('filter.from')} value={gallery.from} onChange={set('from')} />
      <Day label={t('filter.to')} value={gallery.to} onChange={set('to')} />
    </div>
  )
}
