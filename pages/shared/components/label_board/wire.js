// What travels beside the decisions: my settings, and where I stopped. Each is sent until the server has answered it.

const PLACE_AFTER_MS = 2500;  // of quiet; somebody who decides at once has nothing to resume

function makeWire({ owner, send }) {
  const name = "tagtail.desk." + owner;
  let settings = null;   // {id, values}
  let place = null;      // {id, project, document, labels}
  let timer = 0;

  try { settings = JSON.parse(localStorage.getItem(name)); } catch { settings = null; }
  if (!settings || !settings.id || !settings.values) settings = null;

  function keep() {
    try {
      if (settings) localStorage.setItem(name, JSON.stringify(settings));
      else localStorage.removeItem(name);
    } catch { /* private mode: then the settings travel while the page is open */ }
  }

  function soon(ms) {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => { timer = 0; send(); }, ms);
  }

  return {
    // What I set and the server has not confirmed yet.
    get settings() { return settings ? settings.values : null; },
    get waits() { return Boolean(settings || (place && !timer)); },
    set(values) {
      settings = { id: freshUid(), values };
      keep();
      soon(300);
    },
    begun(project, document, labels) {
      place = { id: freshUid(), project, document, labels };
      soon(PLACE_AFTER_MS);
    },
    decided(document) {
      if (place && place.document === document) { place = null; window.clearTimeout(timer); timer = 0; if (settings) soon(300); }
    },
    hurry() { if (timer) { window.clearTimeout(timer); timer = 0; send(); } },
    get extras() { return { desk: settings, place }; },
    // → whether my settings are settled now, one way or the other.
    heard(fresh) {
      if (place && fresh.place_heard === place.id) place = null;
      if (!settings || fresh.desk_heard !== settings.id) return false;
      settings = null;
      keep();
      return true;
    },
    close() { window.clearTimeout(timer); },
  };
}
