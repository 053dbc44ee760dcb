export const SECRET = 'a secret for measurements, of more than 32 characters'
