import Button from 'react-bootstrap/Button'
import ButtonGroup from 'react-bootstrap/ButtonGroup'
import Dropdown from 'react-bootstrap/Dropdown'
import { useTranslation } from 'react-i18next'

import { REUSABLE } from '../../lib/generate/settings.js'
import Icon from '../ui/Icon.jsx'

/** Takes over a picture's settings, all or one part of them. */
export default function ReuseMenu({ image, onReuse }) {
  const { t } = useTranslation()
  return (
    <Dropdown as={ButtonGroup} size="sm">
      <Button variant="outline-secondary" size="sm" onClick={() => onReuse(image)}>
        <Icon name="reuse" /> {t('common.useSettings')}
      </Button>
      <Dropdown.Toggle split variant="outline-secondary" size="sm" aria-label={t('image.reusePart')} />
      <Dropdown.Menu>
        {Object.keys(REUSABLE).map((part) => (
          <Dropdown.Item key={part} as="button" type="button" onClick={() => onReuse(image, part)}>
            {t(`image.reuse.${part}`)}
          </Dropdown.Item>
        ))}
      </Dropdown.Menu>
    </Dropdown>
  )
}
