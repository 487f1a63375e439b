import { useTranslation } from 'react-i18next'

/** Files of weights in the folders of models that no model is made of, each with the reason in the server's words. */
export default function RefusedFiles({ files }) {
  const { t } = useTranslation()
  if (!files?.length) return null
  return (
    <details className="model-item">
      <summary>{t('models.unused', { count: files.length })}</summary>
      <ul className="model-unused" lang="en">
        {files.map(({ file, reason }) => (
          <li key={file}>
            <strong>{file}</strong> {reason}
          </li>
        ))}
      </ul>
    </details>
  )
}
