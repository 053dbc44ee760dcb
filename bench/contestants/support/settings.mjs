// What the harness passes to each contestant, and each contestant's registration at the identity
// service.
const { PORT, IDP } = process.env

export const port = Number(PORT)
export const idp = IDP
export const callback = `http://127.0.0.1:${PORT}/callback`
export const clientId = 'bench-client'
export const clientSecret = 'bench-secret-0123456789'
export const secret = 'a secret for measurements, of more than 32 characters'
export const authorizePath = '/sentinel/api/account/1/authorize'
export const tokenPath = '/sentinel/api/account/1/token'
