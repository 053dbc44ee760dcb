import type { Test } from 'tap'
import type { LeAuthOptions } from '../../../lib/index.ts'
import { optionsFor } from '../app.ts'
import type { Stage } from '../attack/attack.ts'
import { Browser } from '../browser.ts'
import { startAppProcess } from './child.ts'
import type { Measured } from './measured-app.ts'

/** An app in another process, whose memory shows nothing but what the test does to the app. */
export interface MeasuredApp {
  server: string
  browser: () => Browser
  url: (path: string) => string
  measure: () => Promise<Measured>
  /** What it has printed. */
  output: () => string
}

/**
 * Starts an app beside that of the stage, with the same emulator, and ends it with the test. The
 * test fails if the app ends earlier, by an uncaught error for example.
 */
export async function startMeasuredApp(
  t: Test,
  { sentinel, origin, redirectUri }: Stage,
  options: LeAuthOptions = {}
): Promise<MeasuredApp> {
  const settings = { ...optionsFor(sentinel, redirectUri), ...options }
  const app = await startAppProcess(t, 'measured-app.ts', settings, ['--expose-gc'])
  const { server, output, call, exited } = app
  let isTestOver = false
  t.teardown(() => {
    isTestOver = true
  })
  exited.then(
    code => {
      if (!isTestOver) t.fail(`the app ended with ${code}:\n${output()}`)
    },
    () => {}
  )
  return {
    server,
    browser: () => new Browser({ [origin]: server }),
    url: path => origin + path,
    measure: () => call('measure'),
    output
  }
}

/** Runs work a number of times, so many at once. */
export async function flood(
  times: number,
  atOnce: number,
  work: (index: number) => Promise<unknown>
): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < times) await work(next++)
    })
  )
}
