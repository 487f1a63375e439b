import { useInputUrls } from '../../../hooks/images/inputs/useInputUrls.js'

/** The picture that is drawn from, with its mask over it. */
export default function MaskedPicture({ edit, alt }) {
  const { picture, mask: address } = useInputUrls(edit)
  const mask = address && `url("${address}")`
  return (
    <>
      <img src={picture} alt={alt} />
      {mask && <span className="source-mask" style={{ maskImage: mask, WebkitMaskImage: mask }} />}
    </>
  )
}
