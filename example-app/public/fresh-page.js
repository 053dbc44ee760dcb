/* global window */
// Browsers keep pages for the back button, Chromium even those marked no-store, and would show them after a logout.
// So a page is left blank behind, and when the browser brings it back, it is asked for again.
window.addEventListener('pagehide', () => { window.document.documentElement.hidden = true })
window.addEventListener('pageshow', event => { if (event.persisted) window.location.reload() })
