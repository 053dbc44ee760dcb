import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'

const EXECUTABLE = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'
]

/**
 * Starts the system's Chromium and closes it with the test. Its back/forward cache is on, as users have it: Playwright
 * turns it off by default.
 *
 * @returns `null` where there is no Chromium; the test is marked as skipped then, and must end
 * @throws where there is no Chromium in CI, so that these tests cannot be lost without a word
 */
export async function launchChromium (t: Test): Promise<Browser | null> {
  if (!existsSync(EXECUTABLE)) {
    if (process.env['CI']) throw new Error(`no Chromium at ${EXECUTABLE}: install it, or set CHROMIUM_PATH`)
    t.plan(0, `no Chromium at ${EXECUTABLE}; CHROMIUM_PATH says where another one is`)
    return null
  }
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: [...ARGUMENTS, '--enable-features=BackForwardCache'],
    ignoreDefaultArgs: ['--disable-back-forward-cache']
  })
  t.teardown(() => browser.close())
  return browser
}
