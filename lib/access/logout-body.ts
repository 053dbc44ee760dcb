import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** `revoke=true` is all that a body can say, but a form may have more fields. In bytes. */
const BODY_LIMIT = 16 * 1024
const YES = ['true', 'on', '1']

/** What the body of a logout says. */
interface LogoutBody {
  revoke: boolean
}

/**
 * Lets the routes of a scope take any body, so that a logout depends neither on how it is sent nor
 * on the body parsers of the app. A body that cannot be read is no reason to stay logged in.
 */
export function acceptAnyBody(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', async ({ headers, log }: FastifyRequest, payload: Readable) => {
    try {
      return { revoke: await saysRevoke(await read(payload), headers['content-type']) }
    } catch (error) {
      const reason = (error as Error).name
      const text = 'the body of a logout cannot be read, so nothing was revoked'
      log.warn({ leAuth: { event: 'logout_body_ignored', reason } }, text)
      return { revoke: false }
    }
  })
}

/** Whether the request asks to end the user's sessions at LivePerson as well. */
export function isRevocationRequested({ body }: FastifyRequest): boolean {
  return (body as LogoutBody | undefined)?.revoke === true
}

async function saysRevoke(content: Buffer, type = ''): Promise<boolean> {
  const values = await valuesOf('revoke', content, type)
  return values.some(value => YES.includes(String(value).trim()))
}

/** All values of a field of a form, or the member of a JSON object, whatever type it claims. */
async function valuesOf(name: string, content: Buffer, type: string): Promise<unknown[]> {
  if (/^multipart\//i.test(type) && content.length > 0) {
    const form = await new Response(content, { headers: { 'content-type': type } }).formData()
    return form.getAll(name)
  }
  const text = content.toString().trim()
  if (!text.startsWith('{')) return new URLSearchParams(text).getAll(name)
  const json = JSON.parse(text)
  return Object.hasOwn(json, name) ? [json[name]] : []
}

/** Reads a body to its end. @throws RangeError at the limit; what comes then is discarded */
function read(payload: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    payload.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > BODY_LIMIT) reject(new RangeError(`more than ${BODY_LIMIT} bytes`))
      else chunks.push(chunk)
    })
    payload.on('end', () => resolve(Buffer.concat(chunks)))
    payload.on('error', reject)
  })
}
