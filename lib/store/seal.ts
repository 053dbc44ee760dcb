import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { randomBytes } from './random.ts'

const KEY_LENGTH = 32
const IV_LENGTH = 12
const TAG_LENGTH = 16
/** The protected header, which is the same for all and is authenticated (RFC 7516 §5.1). */
const HEADER = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM' })).toString('base64url')
const HEADER_BYTES = Buffer.from(HEADER)

/**
 * Encrypts and authenticates small values under the app's secret, as JWE in compact form (RFC 7516,
 * `dir`, `A256GCM`). Each value has a purpose and an id, and opens for these two only, so that no
 * two sealed values can be swapped.
 */
export class Sealer {
  readonly #secrets: Buffer[]

  /** @param secrets the first one seals, and each one opens */
  constructor(secrets: string[]) {
    this.#secrets = secrets.map(extract)
  }

  seal(purpose: string, id: string, value: object): string {
    const iv = randomBytes(IV_LENGTH)
    const key = keyFor(this.#secrets[0]!, purpose, id)
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(HEADER_BYTES)
    const text = cipher.update(JSON.stringify(value), 'utf8')
    // This makes the tag. GCM has no text left to return.
    cipher.final()
    const parts = [iv, text, cipher.getAuthTag()].map(bytes => bytes.toString('base64url'))
    return [HEADER, '', ...parts].join('.')
  }

  /** The value; `null` if no secret has sealed it for this purpose and this id. */
  open(purpose: string, id: string, sealed: string): unknown {
    const [header, key, iv, text, tag, ...more] = sealed.split('.')
    if (header !== HEADER || key !== '' || more.length > 0) return null
    if (iv === undefined || text === undefined || tag === undefined) return null
    for (const secret of this.#secrets) {
      const value = tryOpen(keyFor(secret, purpose, id), iv, text, tag)
      if (value !== null) return value
    }
    return null
  }
}

function tryOpen(key: Buffer, iv: string, text: string, tag: string): unknown {
  const nonce = Buffer.from(iv, 'base64url')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_LENGTH })
      .setAAD(HEADER_BYTES)
      .setAuthTag(Buffer.from(tag, 'base64url'))
    return JSON.parse(decipher.update(text, 'base64url', 'utf8') + decipher.final('utf8'))
  } catch {
    // It was sealed with another secret, or changed since.
    return null
  }
}

/** HKDF-Extract (RFC 5869 §2.2) with an empty salt: once for each secret. */
function extract(secret: string): Buffer {
  return createHmac('sha256', Buffer.alloc(KEY_LENGTH)).update(secret).digest()
}

/**
 * HKDF-Expand (RFC 5869 §2.3), of which a key of 32 bytes needs the first block only. Each id has a
 * key of its own, so that in practice no nonce is used twice with a key.
 */
function keyFor(extracted: Buffer, purpose: string, id: string): Buffer {
  return createHmac('sha256', extracted)
    .update(`${infoFor(purpose, id)}\x01`)
    .digest()
}

function infoFor(purpose: string, id: string): string {
  return JSON.stringify(['fastify-le-auth', purpose, id])
}

/** A secret for another library's signer, derived for that purpose only. */
export function derivedSecret(secret: string, purpose: string): string {
  const key = hkdfSync('sha256', secret, '', infoFor(purpose, ''), KEY_LENGTH)
  return Buffer.from(key).toString('base64url')
}
