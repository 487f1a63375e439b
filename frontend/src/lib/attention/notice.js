/** Why this page can show no notifications, as the last part of an i18n key; null where it can. */
export function noticeObstacle() {
  if (!window.isSecureContext) return 'insecure'
  if (!('Notification' in window)) return 'unknown'
  return Notification.permission === 'denied' ? 'denied' : null
}

/** Asks the person, through the browser, whether notifications may be shown; answers whether they may. */
export async function askForNotices() {
  return noticeObstacle() === null && (await Notification.requestPermission()) === 'granted'
}

/** Shows a notification, in place of the last one; a click on it leads to this tab. */
export async function showNotice(title, body) {
  if (noticeObstacle() !== null || Notification.permission !== 'granted') return
  const options = { body, tag: 'z-image', icon: 'icon-192.png' }
  try {
    const notice = new Notification(title, options)
    notice.onclick = () => {
      window.focus()
      notice.close()
    }
  } catch {
    // On phones only a service worker may.
    const worker = await navigator.serviceWorker?.getRegistration()
    await worker?.showNotification(title, options)
  }
}
