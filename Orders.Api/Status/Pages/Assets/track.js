// Keeps the page up to date. Without it the page looks again by itself.
'use strict';

(() => {
  const main = document.querySelector('main');

  // The viewer's own clock.
  const tellTimes = () => {
    for (const time of document.querySelectorAll('time')) {
      time.title = time.title || time.textContent;
      time.textContent = new Date(time.dateTime).toLocaleString('en-GB', {
        day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
      });
    }
  };

  // The page says it in words already: whatever changed, it is asked for once more. One at a time, and the last one counts.
  let asking = false;
  let again = false;
  const look = async () => {
    if (asking) {
      again = true;
      return;
    }

    asking = true;
    do {
      again = false;
      try {
        const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
        if (answer.ok) {
          const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
          show(page);
        }
      } catch {
        // The stream breaks too, and tells.
      }
    } while (again);
    asking = false;
  };

  // What says the status stays where it is, so that its change is read out.
  const show = page => {
    document.title = page.title;
    const [now, before] = [page, document].map(one => one.querySelector('.now'));
    before.className = now.className;
    if (before.textContent !== now.textContent) before.replaceChildren(...now.childNodes);
    for (const part of ['dl', '.further', 'ol']) {
      // While an update goes on, the page may come from another release.
      const [next, old] = [page, document].map(one => one.querySelector(part));
      if (next && old) old.replaceWith(next);
    }
    tellTimes();
  };

  follow(main.dataset.events, { status: () => { look(); } });
  tellTimes();
})();
