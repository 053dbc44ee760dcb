export function median (values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The median with the least and the greatest value, as text. */
export function summary (values: number[], digits = 0): string {
  const [least, greatest] = [Math.min(...values), Math.max(...values)]
  return `${format(median(values), digits)} (${format(least, digits)}–${format(greatest, digits)})`
}

export function format (value: number, digits = 0): string {
  return value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
