import { availableParallelism } from 'node:os'

/** Prints a table as Markdown, its columns aligned. */
export function printTable (title: string, rows: string[][]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const lines = rows.map(row => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`)
  const rule = `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`
  console.log(`\n${title}\n\n${[lines[0], rule, ...lines.slice(1)].join('\n')}`)
}

export function printMachine (): void {
  console.log(`Node.js ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} cores`)
}
