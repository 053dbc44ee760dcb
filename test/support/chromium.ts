import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'

const EXECUTABLE = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/**
 * Starts the system's Chromium and closes it with the test. Its back/forward cache is on, as for
 * users: Playwright turns it off by default.
 *
 * @returns `null` if there is no Chromium; the test is then marked as skipped, and must end
 * @throws if there is no Chromium in CI, so that these tests cannot be skipped silently there
 */
export async function launchChromium(t: Test): Promise<Browser | null> {
  if (!existsSync(EXECUTABLE)) {
    const problem = `no Chromium at ${EXECUTABLE}: install it, or set CHROMIUM_PATH`
    if (process.env['CI']) throw new Error(problem)
    t.plan(0, problem)
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

/** Fills in Sentinel's login page, which the page must show, and submits it. */
export async function signInOn(page: Page, loginName: string): Promise<void> {
  await page.getByLabel('User name').fill(loginName)
  await page.getByLabel('Password').fill(EMULATOR_DEFAULTS.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
