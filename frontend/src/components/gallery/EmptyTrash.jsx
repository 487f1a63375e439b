import { useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import Icon from '../ui/Icon.jsx'

/** Begins to delete all that is in the trash, whatever the filters show of it; `onFound` is told what that is, and asks. */
export default function EmptyTrash({ findAll, onFound }) {
  const { t } = useTranslation()
  const [finding, setFinding] = useState(false)
  const find = async () => {
    setFinding(true)
    const found = await findAll()
    setFinding(false)
    if (found?.length > 0) onFound(found)
  }
  return (
    <Button variant="outline-secondary" size="sm" className="empty-trash" disabled={finding} onClick={find}>
      <Icon name="trash" size={16} /> {t('gallery.purgeAll')}
    </Button>
  )
}
