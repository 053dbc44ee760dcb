/* global window */
// Browsers keep pages for the back button, and Chromium even keeps pages with no-store. After a
// logout the button would show them. So a page is hidden when the user leaves it, and loaded again
// when the browser brings it back.
window.addEventListener('pagehide', () => {
  window.document.documentElement.hidden = true
})
window.addEventListener('pageshow', event => {
  if (event.persisted) window.location.reload()
})
