import { useTranslation } from 'react-i18next'

import { useDoors } from '../../hooks/server/useDoors.js'
import { useToast } from '../../hooks/ui/useToast.js'
import { copyText } from '../../lib/clipboard.js'
import { siteFolder } from '../../lib/site.js'
import Icon from '../ui/Icon.jsx'

function Door({ name, address }) {
  const { t } = useTranslation()
  const toast = useToast()
  const label = t(`help.doors.${name}`)
  const copy = async () => toast({ text: t((await copyText(address)) ? 'help.addressCopied' : 'errors.clipboard') })
  return (
    <>
      <dt>{label}</dt>
      <dd>
        <code>{address}</code>
        <button type="button" className="btn btn-sm" aria-label={t('help.copyAddress', { name: label })} onClick={copy}>
          <Icon name="copy" size={14} />
        </button>
      </dd>
    </>
  )
}

/** Where other programs reach the server, to be copied; nothing when it answers none of their protocols. */
export default function ConnectPrograms() {
  const { t } = useTranslation()
  const doors = useDoors()
  if (doors.length === 0) return null
  return (
    <section aria-labelledby="help-connect">
      <h3 id="help-connect">{t('help.connect')}</h3>
      <p>{t('help.connectHow')}</p>
      <dl>
        {doors.map((door) => (
          <Door key={door.name} {...door} />
        ))}
      </dl>
      <p>
        <a href={`${siteFolder()}docs`} target="_blank" rel="noreferrer">
          {t('help.apiDocs')}
        </a>
      </p>
    </section>
  )
}
