import { newSecret } from '../secrets.ts'
import type { EmulatorState } from '../state.ts'
import type { AuthorizationRequest } from './authorization-request.ts'

/** Issues an authorization code and returns the redirect that carries it (RFC 6749 §4.1.2). */
export function codeLocation(
  { ledger, lifetimes }: EmulatorState,
  request: AuthorizationRequest,
  sso: { id: string; userId: string }
): string {
  const code = newSecret()
  const { accountId, clientId } = request
  const grant = { accountId, clientId, userId: sso.userId, ssoId: sso.id }
  ledger.codes.set(code, { grant, request, used: false }, lifetimes.code)
  return location(request, { code })
}

/** Returns the redirect that carries an error (RFC 6749 §4.1.2.1). */
export function errorLocation(
  request: AuthorizationRequest,
  error: string,
  description: string
): string {
  return location(request, { error, error_description: description })
}

// The redirect URI keeps its own query parameters (RFC 6749 §3.1.2).
function location(
  { redirectUri, state }: AuthorizationRequest,
  parameters: Record<string, string>
): string {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value)
  if (state !== undefined) url.searchParams.append('state', state)
  return url.href
}
