import { useTranslation } from 'react-i18next'

import Icon from './Icon.jsx'

/** Marks a picture, or takes the mark away. */
export default function FavouriteButton({ image, className = 'icon-button', tabIndex, onFavour }) {
  const { t } = useTranslation()
  const favourite = Boolean(image.favourite)
  return (
    <button
      type="button"
      tabIndex={tabIndex}
      className={`${className} favourite`}
      aria-pressed={favourite}
      aria-label={t('image.favouriteNamed', { prompt: image.prompt })}
      title={t('image.favourite')}
      onClick={() => onFavour([image.id], !favourite)}
    >
      <Icon name="heart" size={16} filled={favourite} />
    </button>
  )
}
