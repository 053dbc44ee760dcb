export function median(values) {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return NaN
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Each value divided by the baseline's value of the same round. */
export function ratios(values, baseline) {
  return values.map((value, round) => value / baseline[round])
}

/** The median with the lowest and the highest value, as text. */
export function summary(values, digits = 0) {
  const known = values.filter(Number.isFinite)
  if (known.length === 0) return '–'
  const text = format(median(known), digits)
  return known.length === 1
    ? text
    : `${text} (${format(Math.min(...known), digits)}–${format(Math.max(...known), digits)})`
}

export function format(value, digits = 0) {
  return value.toLocaleString('en-GB', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits
  })
}
