// Listens to server-sent events for as long as the page is looked at, and shows data-lost while it cannot.
'use strict';

const follow = (address, handlers) => {
  const lost = document.querySelector('[data-lost]');
  let events = null;
  const listen = () => {
    events = new EventSource(address);
    events.addEventListener('open', () => { lost.hidden = true; });
    for (const [name, handle] of Object.entries(handlers)) events.addEventListener(name, handle);
    events.addEventListener('error', () => {
      lost.hidden = false;
      // After an answer that is no stream, browsers do not try again by themselves.
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
  };

  listen();
  addEventListener('pagehide', () => events.close());
  addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
};
