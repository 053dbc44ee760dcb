// The results of a run as Markdown tables.
import { format, ratios, summary } from './harness/statistics.mjs'

export function report({ machine, quick, settings, contestants, results, lost }) {
  const parts = [
    `${quick ? 'QUICK, not to be reported. ' : ''}${machine}`,
    table(
      ['', 'what it is'],
      contestants.map(({ name, about }) => [name, about])
    ),
    ...results.flatMap(({ measurement, samples }) => [
      heading(measurement, settings),
      tableOf(measurement, samples)
    ]),
    noise(
      results.flatMap(({ measurement, samples }) =>
        measurement.timed === false ? [] : Object.values(samples).flat()
      )
    )
  ]
  if (lost.length > 0) parts.push(`Lost samples:\n\n${lost.map(text => `- ${text}`).join('\n')}`)
  return parts.join('\n\n') + '\n'
}

function heading({ name, title }, settings) {
  return `### ${name}: ${typeof title === 'function' ? title(settings) : title}`
}

function tableOf({ columns, baselines, ratioOf }, samples) {
  const named = baselines.filter(name => name in samples)
  const head = ['', ...columns.map(({ title }) => title), ...named.map(name => `to ${name}`)]
  const rows = Object.keys(samples).map(name => [
    name,
    ...columns.map(({ key, digits }) =>
      cell(
        samples[name].map(sample => sample[key]),
        digits
      )
    ),
    ...named.map(baseline => ratioCell(samples, name, baseline, ratioOf))
  ])
  return table(head, rows)
}

function cell(values, digits) {
  return digits === 'exact'
    ? values
        .map(value => (value === undefined ? '–' : format(value, Number.isInteger(value) ? 0 : 2)))
        .join(', ')
    : summary(values, digits)
}

/** A contestant without Redis is not compared to a baseline on Redis. */
function ratioCell(samples, name, baseline, key) {
  if (baseline.endsWith('-redis') && !name.endsWith('-redis')) return '–'
  const values = which => samples[which].map(sample => sample[key])
  return summary(ratios(values(name), values(baseline)), 2)
}

function table(head, rows) {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map(row => row[column].length))
  )
  const line = row => `| ${row.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function noise(samples) {
  const kept = samples.filter(({ others }) => Number.isFinite(others))
  if (kept.length === 0) return 'Other load on the machine was not measured.'
  const again = kept.reduce((sum, { tries }) => sum + tries - 1, 0)
  const shares = summary(
    kept.map(({ others }) => 100 * others),
    1
  )
  const disturbed = kept.filter(sample => sample.disturbed).length
  return (
    `${kept.length} timed samples; ${again} more were discarded because the machine was busy. ` +
    `During the kept samples, other programs used ${shares} % of a core; ` +
    `${disturbed} samples were kept with more than 4 %.`
  )
}
