import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { randomBytes } from './random.js'

const KEY_LENGTH = 32
const IV_LENGTH = 12
const TAG_LENGTH = 16
/** The protected header, the same for everything sealed here; it is authenticated as well (RFC 7516 §5.1). */
const HEADER = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM' })).toString('base64url')
const HEADER_BYTES = Buffer.from(HEADER)

/**
 * Encrypts and authenticates small values under the app's secret, as JWE in compact form (RFC 7516, `dir`, `A256GCM`).
 * Each value has a purpose and an id, and opens for these two only, so that no two sealed values can be swapped.
 */
export class Sealer {
  readonly #secrets: Buffer[]

  /** @param secrets the first one seals, each one opens */
  constructor (secrets: string[]) {
    this.#secrets = secrets.map(extract)
  }

  seal (purpose: string, id: string, value: object): string {
    const iv = randomBytes(IV_LENGTH)
    const cipher = createCipheriv('aes-256-gcm', keyFor(this.#secrets[0]!, purpose, id), iv).setAAD(HEADER_BYTES)
    const text = cipher.update(JSON.stringify(value), 'utf8')
    // Makes the tag; of the text GCM keeps nothing back.
    cipher.final()
    return [HEADER, '', ...[iv, text, cipher.getAuthTag()].map(bytes => bytes.toString('base64url'))].join('.')
  }

  /** The value, or `null` if it was not sealed by one of the secrets, for this purpose and this id. */
  open (purpose: string, id: string, sealed: string): unknown {
    const [header, key, iv, text, tag, ...more] = sealed.split('.')
    if (header !== HEADER || key !== '' || iv === undefined || text === undefined || tag === undefined || more.length > 0) return null
    for (const secret of this.#secrets) {
      const value = tryOpen(keyFor(secret, purpose, id), iv, text, tag)
      if (value !== null) return value
    }
    return null
  }
}

function tryOpen (key: Buffer, iv: string, text: string, tag: string): unknown {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: TAG_LENGTH })
      .setAAD(HEADER_BYTES)
      .setAuthTag(Buffer.from(tag, 'base64url'))
    return JSON.parse(decipher.update(text, 'base64url', 'utf8') + decipher.final('utf8'))
  } catch {
    // Whatever does not open was not sealed here, or was changed since.
    return null
  }
}

/** HKDF-Extract (RFC 5869 §2.2) with an empty salt: once for each secret. */
function extract (secret: string): Buffer {
  return createHmac('sha256', Buffer.alloc(KEY_LENGTH)).update(secret).digest()
}

/**
 * HKDF-Expand (RFC 5869 §2.3), whose first block is all that a key of 32 bytes needs. A key of its own for each id, so that
 * in practice no nonce meets a key twice.
 */
function keyFor (extracted: Buffer, purpose: string, id: string): Buffer {
  return createHmac('sha256', extracted).update(`${infoFor(purpose, id)}\x01`).digest()
}

function infoFor (purpose: string, id: string): string {
  return JSON.stringify(['fastify-le-auth', purpose, id])
}

/** A text secret for another library's signer, derived for that purpose alone. */
export function derivedSecret (secret: string, purpose: string): string {
  return Buffer.from(hkdfSync('sha256', secret, '', infoFor(purpose, ''), KEY_LENGTH)).toString('base64url')
}
