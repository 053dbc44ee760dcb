import http from 'node:http'
import { callback, clientId, clientSecret, idp, tokenPath } from './settings.mjs'

const agent = new http.Agent({ keepAlive: true })

/** Exchanges a code for tokens, with Node's own http module only. */
export function exchangeCode(code, verifier) {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: callback,
    code_verifier: verifier,
    client_id: clientId,
    client_secret: clientSecret
  }).toString()
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(body)
  }
  return new Promise((resolve, reject) => {
    const request = http.request(idp + tokenPath, { method: 'POST', agent, headers }, response => {
      textOf(response)
        .then(text => {
          if (response.statusCode !== 200) {
            throw new Error(`the token endpoint responded ${response.statusCode}`)
          }
          resolve(JSON.parse(text))
        })
        .catch(reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

async function textOf(response) {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}
