/** The zeros of the digits that keyboards type and that Unicode does not count as forms of ours: Arabic, Persian. */
const ZEROS = [0x660, 0x6f0]
const MARKS = { '。': '.', '٫': '.', '٬': ',', '、': ',', '−': '-', '–': '-', '✕': '×', '乘': '×' }
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e\d{1,3})?$/i
const GROUPED = /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/
const SIZE = /^(\d{1,6})\s*[x×*,]\s*(\d{1,6})$/i

function plainDigit(digit) {
  const code = digit.charCodeAt(0)
  const zero = ZEROS.find((first) => code >= first && code < first + 10)
  return zero === undefined ? digit : String(code - zero)
}

/** A text whose digits, signs and marks are plain ones: `１２．５` is `12.5`. */
export function toPlainDigits(text) {
  return text
    .normalize('NFKC') // What Asian keyboards type at full width.
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, plainDigit)
    .replace(/[。٫٬、−–✕乘]/g, (mark) => MARKS[mark])
}

/** The text of a number without its grouping: `1,234` is `1234`. */
function ungrouped(text) {
  const plain = toPlainDigits(text).trim()
  return GROUPED.test(plain) ? plain.replaceAll(',', '') : plain
}

/** The number that was typed, or NaN. */
export function parseNumber(text) {
  const plain = ungrouped(text)
  return NUMBER.test(plain) ? Number(plain) : NaN
}

/** A seed as it was typed, as plain digits where it is a whole number. */
export function plainSeed(text) {
  return ungrouped(text)
}

/** Width and height of a text like `1024×768`, or null. */
export function parseSize(text) {
  const found = SIZE.exec(toPlainDigits(text).trim())
  return found && { width: Number(found[1]), height: Number(found[2]) }
}
