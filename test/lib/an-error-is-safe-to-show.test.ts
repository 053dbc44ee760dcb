import t from 'tap'
import { leAuthError } from '../../lib/errors.ts'
import { LE_AUTH_ERROR_STATUS, LeAuthError, type LeAuthErrorCode } from '../../lib/index.ts'
import { OPTION_NAMES } from '../../lib/options/resolve-options.ts'

const CODES = Object.keys(LE_AUTH_ERROR_STATUS) as LeAuthErrorCode[]

t.test(
  'JSON of an error shows what a visitor may see: no hint for the operator, and no cause.',
  async t => {
    const cause = new Error('db.internal:5432 refused the password hunter2')
    const error = leAuthError('LE_AUTH_LOGIN_HOOK_FAILED', { reason: 'threw', cause })
    t.same(JSON.parse(JSON.stringify(error)), {
      code: 'LE_AUTH_LOGIN_HOOK_FAILED',
      statusCode: 500,
      reason: 'threw',
      message: error.message
    })
    t.match(error.hint, /onLogin threw/)
    t.equal(error.cause, cause)
    t.notMatch(`${error.message} ${error.hint} ${String(error)}`, /hunter2|5432/)
  }
)

t.test('An error is an Error and a LeAuthError, by that name.', async t => {
  const error: unknown = leAuthError('LE_AUTH_ADMIN_REQUIRED')
  t.ok(error instanceof Error)
  t.ok(error instanceof LeAuthError)
  t.match(String((error as Error).stack), /^LeAuthError: This is for administrators/)
  t.notOk(new Error('another') instanceof LeAuthError)
})

t.test(
  'The sentence for a visitor names no option, and asks nobody to change the set-up.',
  async t => {
    const names = Object.values(OPTION_NAMES)
      .flat()
      .filter(name => /[A-Z]/.test(name))
    for (const code of CODES.filter(code => code !== 'LE_AUTH_CALLBACK_INVALID')) {
      const { message } = leAuthError(code)
      t.match(message, /^[A-Z].*\.$/, code)
      t.same(
        names.filter(name => message.includes(name)),
        [],
        code
      )
    }
  }
)

t.test('The reason narrows with the code, so that a switch can be complete.', async t => {
  const error: unknown = leAuthError('LE_AUTH_CALLBACK_INVALID', { reason: 'expired' })
  t.equal(advice(error), 'be quicker')
  t.equal(advice(leAuthError('LE_AUTH_ADMIN_REQUIRED')), 'none')
})

/** Compiles only if the reasons of a code are a closed list. */
function advice(error: unknown): string {
  if (!(error instanceof LeAuthError) || error.code !== 'LE_AUTH_CALLBACK_INVALID') return 'none'
  switch (error.reason) {
    case 'malformed':
    case 'state_malformed':
    case 'code_malformed':
      return 'look at the address'
    case 'no_transaction':
    case 'state_mismatch':
      return 'look at the cookies'
    case 'expired':
      return 'be quicker'
    case 'state_used':
    case 'login_ended':
    case 'code_rejected':
      return 'log in again'
    default: {
      const nothing: never = error.reason
      return nothing
    }
  }
}
