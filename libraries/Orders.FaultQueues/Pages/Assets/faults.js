// Keeps the page up to date. Everything works without it, by links and forms.
'use strict';

(() => {
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const number = value => value.toLocaleString('en-US');

  // Times: the viewer's own clock, and words that stay true. Words.cs has the same.
  const span = seconds =>
    seconds < 60 ? `${Math.ceil(seconds)} s`
    : seconds < 3600 ? `${Math.floor(seconds / 60)} min`
    : seconds < 172800 ? `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`
    : `${Math.floor(seconds / 86400)} days`;

  const relative = time => {
    const seconds = (Date.now() - time) / 1000;
    return Math.abs(seconds) < 5 ? 'now' : seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
  };

  const clock = time => time.toDateString() === new Date().toDateString()
    ? time.toLocaleTimeString('en-GB')
    : `${time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })} ${time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}`;

  const write = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  const tellTimes = () => {
    for (const element of all('time')) {
      const time = new Date(element.dateTime);
      write(element.querySelector('[data-clock]'), clock(time));
      write(element.querySelector('[data-ago]'), relative(time));
    }
  };

  // Ticks: the buttons say how many messages they mean.
  const tellTicks = () => {
    for (const form of all('[data-ticks]')) {
      const boxes = [...all('[name=id]', form)];
      const ticked = boxes.filter(box => box.checked).length;
      for (const button of all('[data-ticked]', form)) button.disabled = ticked === 0;
      for (const count of all('[data-ticks-count]', form)) write(count, ticked === 0 ? '' : number(ticked));
      const every = form.querySelector('[data-tick-all]');
      if (every) {
        every.hidden = false;
        every.checked = ticked === boxes.length;
        every.indeterminate = ticked > 0 && ticked < boxes.length;
      }
    }
  };

  document.addEventListener('change', ({ target }) => {
    if (target.matches('[data-tick-all]')) {
      for (const box of all('[name=id]', target.form)) box.checked = target.checked;
    }

    tellTicks();
  });

  // Filters: an address says only what was typed.
  document.addEventListener('formdata', ({ target, formData }) => {
    if (!target.matches('[role=search]')) return;
    for (const [name, value] of [...formData]) {
      if (value === '') formData.delete(name);
    }
  });

  // Regions: swapped for those of the same page fetched again, but never under somebody's hands.
  const isInUse = region => {
    const selection = getSelection();
    return region.contains(document.activeElement)
      || region.querySelector('input:checked') !== null
      || (!selection.isCollapsed && region.contains(selection.anchorNode));
  };

  let isStale = false;
  let fetching = null;

  const refresh = () => {
    if (all('[data-live]').length === 0) return;
    isStale = true;
    fetching ??= fetchAgain().finally(() => { fetching = null; });
  };

  const fetchAgain = async () => {
    while (isStale) {
      isStale = false;
      try {
        const response = await fetch(location.href, { headers: { Accept: 'text/html' } });
        if (!response.ok) return;
        const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
        let isWaiting = false;
        for (const region of all('[data-live]')) {
          const next = fresh.getElementById(region.id);
          if (!next) continue;
          if (isInUse(region)) isWaiting = true;
          else region.replaceChildren(...next.childNodes);
        }

        waitsForHands = isWaiting;
        tellTimes();
        tellTicks();
      } catch {
        return;
      }
    }
  };

  let waitsForHands = false;
  document.addEventListener('focusout', () => setTimeout(() => {
    if (waitsForHands) refresh();
  }, 300));

  // News.
  const inWords = (error, parked) => `${error} in the error queue, ${parked} parked`;
  const shown = text => text ? number(Number(text)) : '?';
  let known = inWords(shown(document.body.dataset.error), shown(document.body.dataset.parked));
  const tellCounts = counts => {
    const total = counts.error + counts.parked;
    document.title = `${total > 0 ? `(${number(total)}) ` : ''}${document.body.dataset.title}`;
    for (const element of all('[data-count]')) {
      const count = counts.endpoints?.find(({ endpoint }) => endpoint === element.dataset.endpoint)?.[element.dataset.count];
      if (count === undefined) continue;
      write(element, number(count));
      element.classList.toggle('some', count > 0);
    }

    const text = inWords(number(counts.error), number(counts.parked));
    if (known !== text) {
      known = text;
      write(document.querySelector('[data-announce]'), text);
      refresh();
    } else if ([...all('[data-state]')].some(state => state.textContent === 'running')) {
      // It may have ended before anybody listened.
      refresh();
    }
  };

  const tellProgress = operation => {
    const article = document.querySelector(`[data-operation="${CSS.escape(operation.id)}"]`);
    if (!article) {
      if (document.getElementById('operations')) refresh();
      return;
    }

    article.querySelector('progress').value = operation.done + operation.gone + operation.refused;
    write(article.querySelector('[data-done]'), number(operation.done));
    write(article.querySelector('[data-gone]'), number(operation.gone));
    article.querySelector('[data-gone-line]').hidden = operation.gone === 0;
    write(article.querySelector('[data-refused]'), number(operation.refused));
    article.querySelector('[data-refused-line]').hidden = operation.refused === 0;
    if (operation.state !== 'running' && article.querySelector('[data-state]').textContent === 'running') {
      write(document.querySelector('[data-announce]'), `The operation is ${operation.state}: ${operation.done} of ${operation.total}`);
      if (article.contains(document.activeElement) || document.activeElement?.form?.closest('[data-live]')) document.activeElement.blur();
      refresh();
    }
  };

  follow('/faults/api/events', {
    counts: event => tellCounts(JSON.parse(event.data)),
    look: () => refresh(),
    progress: event => tellProgress(JSON.parse(event.data)),
  });

  tellTimes();
  tellTicks();
  setInterval(tellTimes, 5000);
})();
