/** Escapes text for HTML: for an element's content, and for an attribute value in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
